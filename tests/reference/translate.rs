//! A world in the venue's own terms.

use std::path::Path;
use std::sync::Arc;

use flashcrash::fault::{Paint, Source};
use flashcrash::money::{Cash, Multiplier, Nanos, Price, Qty, Quantum, Ratio};
use flashcrash::registry::{Family, Node, Reading};
use flashcrash::venue::adl::POLICIES;
use flashcrash::venue::liquidation::RULES;
use flashcrash::venue::margin::{Tier, Tiers};
use flashcrash::venue::register::Holdings;
use flashcrash::venue::rules::{
    self, BackstopPrice, BackstopRules, CashLayer, ContractRules, CrossBankruptcy, FundLimits, FundRules, PoolRules,
    PositionLayer, Rules, SurplusTo, Waterfall,
};
use rust_decimal::Decimal;

use super::world::{
    self, AdlPrice, AdlTrigger, Bracket, Disposer, Eligible, EquityOf, FeeCap, Limit, Payer, PositionOrder, Socialise,
    World,
};

impl World {
    /// What the venue takes for its rules.
    pub fn rules(&self) -> Rules {
        let contracts = self.contracts.iter().map(|contract| {
            let tier = |bracket: &Bracket| Tier {
                floor: Cash(bracket.floor),
                rate: Ratio(bracket.rate),
                max_leverage: Ratio(bracket.max_leverage),
            };
            let tiers = Tiers::new(contract.tiers.iter().map(tier).collect()).unwrap();
            let tiers = if contract.token { tiers.into_haircuts() } else { tiers };
            let multiplier = if contract.inverse {
                Multiplier::Inverse(contract.multiplier)
            } else {
                Multiplier::Linear(contract.multiplier)
            };
            ContractRules { multiplier, tiers }
        });
        Rules {
            contracts: contracts.collect(),
            trigger: if self.at_or_below { rules::Trigger::AtOrBelow } else { rules::Trigger::Below },
            waterfall: self.waterfall(),
            interruptions: self.interruptions(),
            dynamic: (!self.volatility_steps.is_empty()).then(|| rules::DynamicMaintenance {
                window: Nanos(1),
                steps: self
                    .volatility_steps
                    .iter()
                    .map(|step| rules::VolatilityStep { volatility: Ratio(step.from), multiplier: Ratio(step.times) })
                    .collect(),
            }),
            position_order: match self.position_order {
                PositionOrder::Maintenance => rules::PositionOrder::Maintenance,
                PositionOrder::Loss => rules::PositionOrder::Loss,
                PositionOrder::Notional => rules::PositionOrder::Notional,
            },
            cross_bankruptcy: match self.equity_of {
                EquityOf::Account => CrossBankruptcy::Sequential,
                EquityOf::Position => CrossBankruptcy::Proportional,
            },
            liquidation: plug_in(&RULES, &self.closing.to_string()),
            position_layers: self.position_layers.iter().map(|&layer| layer.into()).collect(),
            cash_layers: self.cash_layers.iter().map(|&layer| layer.into()).collect(),
            fund: FundRules { open: Cash(self.fund), floor: Cash(self.floor) },
            venue_capital: Cash(self.venue_capital),
            taker_fee: Ratio(self.taker_fee),
            liquidation_fee: Ratio(self.liquidation_fee),
            surplus_to: if self.surplus_to_fund { SurplusTo::Fund } else { SurplusTo::Trader },
            execution: match self.limit {
                Limit::None => rules::Execution::Market,
                Limit::Bankruptcy => rules::Execution::Bankruptcy,
                Limit::BankruptcyOrMark => rules::Execution::BankruptcyOrMark,
                Limit::ZeroPrice => rules::Execution::ZeroPrice,
                Limit::Fillable => rules::Execution::FillablePrice,
            },
            engine_slice: self.slice.map(Qty),
            latency: Nanos(self.latency),
            adl: *plug_in(&POLICIES, &self.policy.to_string()),
            adl_eligible: match self.eligible {
                Eligible::ProfitAtAdlPrice => rules::Eligible::ProfitAtAdlPrice,
                Eligible::ProfitAtMark => rules::Eligible::ProfitAtMark,
                Eligible::SolventAfter => rules::Eligible::SolventAfter,
            },
        }
    }

    fn interruptions(&self) -> rules::Interruptions {
        let world::Interruptions { capacity, outages, halts, band } = &self.interruptions;
        let span = |span: &world::Span| rules::Span { at: Nanos(span.at), length: Nanos(span.length) };
        rules::Interruptions {
            capacity: *capacity,
            outages: outages.iter().map(span).collect(),
            halts: halts.iter().map(|(of, when)| (of.map(|contract| contract as u16), span(when))).collect(),
            band: band.map(|band| rules::Band {
                of: if band.of_mark { rules::BandOf::Mark } else { rules::BandOf::Index },
                width: Ratio(band.width),
                window: Nanos(band.window),
                halt: Nanos(band.halt),
            }),
        }
    }

    fn waterfall(&self) -> Waterfall {
        let vaults = self.vaults.iter().map(|vault| BackstopRules {
            threshold: vault.threshold.map(Ratio),
            capital: Cash(vault.capital),
            loss_cap: Cash(vault.loss_cap),
            margin_rate: Ratio(vault.margin_rate),
            slice: Qty(vault.slice),
            adl_price: if vault.adl_at_cost { BackstopPrice::Takeover } else { BackstopPrice::Mark },
        });
        let pools = self.pools.iter().map(|pool| PoolRules {
            open: Cash(pool.open),
            floor: Cash(pool.floor),
            contracts: pool.contracts.iter().map(|&contract| contract as u16).collect(),
        });
        Waterfall {
            adl_price: match self.adl_price {
                AdlPrice::Bankruptcy => rules::AdlPrice::Bankruptcy,
                AdlPrice::Mark => rules::AdlPrice::Mark,
                AdlPrice::Oracle => rules::AdlPrice::Oracle,
                AdlPrice::OracleWhileSolvent => rules::AdlPrice::OracleWhileSolvent,
                AdlPrice::MarkWhileFunded => rules::AdlPrice::MarkWhileFunded,
                AdlPrice::BankruptcyNearMark { within } => {
                    rules::AdlPrice::BankruptcyNearMark { within: Ratio(within) }
                }
            },
            adl_trigger: match self.adl_trigger {
                AdlTrigger::Residue => rules::AdlTrigger::Residue,
                AdlTrigger::NegativeAccountValue { tolerance } => {
                    rules::AdlTrigger::NegativeAccountValue { tolerance: Cash(tolerance) }
                }
                AdlTrigger::BookExhausted => rules::AdlTrigger::BookExhausted,
            },
            fund: FundLimits {
                pools: pools.collect(),
                drawdown: self.drawdown.map(|drawdown| rules::Drawdown {
                    start: Ratio(drawdown.start),
                    stop: Ratio(drawdown.stop),
                    window: Nanos(drawdown.window),
                }),
                net_position_cap: self.net_cap.map(Ratio),
                draw_cap: self.draw_cap.map(Cash),
            },
            backstops: vaults.collect(),
            socialise: match self.socialise {
                Socialise::Profit => rules::Socialise::Profit,
                Socialise::Payout => rules::Socialise::Payout,
                Socialise::Base => rules::Socialise::Base,
                Socialise::Withdrawals { most } => rules::Socialise::Withdrawals { most: Ratio(most) },
            },
            fee_cap: match self.fee_cap {
                FeeCap::Equity => rules::FeeCap::Equity,
                FeeCap::Surplus => rules::FeeCap::Surplus,
                FeeCap::MissingMargin => rules::FeeCap::MissingMargin,
            },
        }
    }

    /// What the venue takes for its accounts.
    pub fn holdings(&self) -> Holdings {
        let any_cross = self.holdings.iter().any(|holding| holding.cross);
        Holdings {
            wallet: self.wallets.iter().map(|&cash| Cash(cash)).collect(),
            account: self.holdings.iter().map(|holding| holding.account as u32).collect(),
            contract: self.holdings.iter().map(|holding| holding.contract as u16).collect(),
            qty: self.holdings.iter().map(|holding| Qty(holding.lots)).collect(),
            cost: self.holdings.iter().map(|holding| Cash(holding.cost)).collect(),
            collateral: self.holdings.iter().map(|holding| Cash(holding.collateral)).collect(),
            cross: if any_cross { self.holdings.iter().map(|holding| holding.cross).collect() } else { Vec::new() },
        }
    }

    pub fn opening_marks(&self) -> Vec<Price> {
        self.contracts.iter().map(|contract| Price(contract.open)).collect()
    }
}

impl From<Disposer> for PositionLayer {
    fn from(layer: Disposer) -> Self {
        match layer {
            Disposer::Book => Self::Book,
            Disposer::Adl => Self::Adl,
            Disposer::Engine => Self::Engine,
            Disposer::Vaults => Self::Backstop,
        }
    }
}

impl From<Payer> for CashLayer {
    fn from(layer: Payer) -> Self {
        match layer {
            Payer::Fund => Self::Fund,
            Payer::Venue => Self::Venue,
            Payer::Vaults => Self::Backstop,
            Payer::Others => Self::Socialise,
        }
    }
}

/// The plug-in that this TOML value asks for.
fn plug_in<T: ?Sized>(family: &Family<T>, text: &str) -> Box<T> {
    let source = Arc::new(Source { name: "world".into(), text: format!("x = {text}") });
    let mut reading = Reading::new(Arc::clone(&source), Path::new("."));
    reading.cash_unit = Quantum::new(Decimal::ONE);
    let table = Node::parse(&source, &mut reading.faults);
    let built = table.get("x").and_then(|node| family.choose(node, &mut reading));
    built.unwrap_or_else(|| panic!("{}", reading.faults.render(Paint::Plain)))
}
