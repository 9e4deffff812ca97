//! Mechanisms beyond the plain waterfall, drawn at random for small worlds.

use proptest::option;
use proptest::prelude::*;

use super::super::adl::{Policy, PriceNeed};
use super::super::rules::{
    AdlPrice, AdlTrigger, BackstopPrice, BackstopRules, Band, BandOf, Drawdown, FeeCap, FundLimits, Interruptions,
    PoolRules, Rules, Socialise, Span, Waterfall,
};
use super::*;
use crate::money::Ratio;

/// What a world adds to the plain rules.
#[derive(Clone, Debug, Default)]
pub(super) struct Extras {
    pub waterfall: Waterfall,
    pub interruptions: Interruptions,
    /// Layers that take the place of the plain ones.
    layers: Option<(usize, usize)>,
    overdraft: i64,
    divided: bool,
}

const LAYERS: [&[PositionLayer]; 6] = [
    &[PositionLayer::Book, PositionLayer::Backstop, PositionLayer::Adl],
    &[PositionLayer::Backstop, PositionLayer::Book, PositionLayer::Adl],
    &[PositionLayer::Adl, PositionLayer::Backstop],
    &[PositionLayer::Backstop],
    &[PositionLayer::Engine, PositionLayer::Backstop, PositionLayer::Adl],
    &[PositionLayer::Book, PositionLayer::Adl],
];

const CASH: [&[CashLayer]; 6] = [
    &[CashLayer::Fund, CashLayer::Socialise],
    &[CashLayer::Socialise, CashLayer::Fund],
    &[CashLayer::Fund, CashLayer::Backstop, CashLayer::Venue],
    &[CashLayer::Backstop, CashLayer::Socialise],
    &[CashLayer::Fund, CashLayer::Venue, CashLayer::Backstop, CashLayer::Socialise],
    &[],
];

const ADL_PRICES: [AdlPrice; 6] = [
    AdlPrice::Bankruptcy,
    AdlPrice::Mark,
    AdlPrice::Oracle,
    AdlPrice::OracleWhileSolvent,
    AdlPrice::MarkWhileFunded,
    AdlPrice::BankruptcyNearMark { within: Ratio(5 * PERCENT) },
];

const PERCENT: i64 = 10_000_000;

fn backstops() -> impl Strategy<Value = Vec<BackstopRules>> {
    let one = (option::of(0i64..120), 0i64..800, 0i64..120, 0i64..30, 0i64..12, any::<bool>());
    let one = one.prop_map(|(threshold, capital, cap, margin, slice, mark)| BackstopRules {
        threshold: threshold.map(|share| Ratio(share * PERCENT)),
        capital: Cash(capital),
        loss_cap: Cash(capital * cap / 100),
        margin_rate: Ratio(margin * PERCENT),
        slice: Qty(slice),
        adl_price: if mark { BackstopPrice::Mark } else { BackstopPrice::Takeover },
    });
    proptest::collection::vec(one, 0..3)
}

fn waterfalls() -> impl Strategy<Value = Waterfall> {
    let drawdown = (0i64..100, 0i64..100, 0i64..12).prop_map(|(a, b, window)| Drawdown {
        start: Ratio(a.max(b) * PERCENT),
        stop: Ratio(a.min(b) * PERCENT),
        window: Nanos(window),
    });
    let limits = (option::of(drawdown), option::of(0i64..300), option::of(0i64..200));
    let socialise = prop_oneof![
        Just(Socialise::Profit),
        Just(Socialise::Payout),
        Just(Socialise::Base),
        (1i64..101).prop_map(|most| Socialise::Withdrawals { most: Ratio(most * PERCENT) }),
    ];
    let trigger = prop_oneof![
        Just(AdlTrigger::Residue),
        Just(AdlTrigger::BookExhausted),
        (0i64..200).prop_map(|tolerance| AdlTrigger::NegativeAccountValue { tolerance: Cash(tolerance) }),
    ];
    (0usize..6, trigger, limits, backstops(), socialise, 0usize..3).prop_map(
        |(price, adl_trigger, (drawdown, cap, draw), backstops, socialise, fee_cap)| Waterfall {
            adl_price: ADL_PRICES[price],
            adl_trigger,
            fund: FundLimits {
                pools: Vec::new(),
                drawdown,
                net_position_cap: cap.map(|share| Ratio(share * PERCENT)),
                draw_cap: draw.map(Cash),
            },
            backstops,
            socialise,
            fee_cap: [FeeCap::Equity, FeeCap::Surplus, FeeCap::MissingMargin][fee_cap],
        },
    )
}

fn interruptions() -> impl Strategy<Value = Interruptions> {
    let span = || (0i64..20, 1i64..6).prop_map(|(at, length)| Span { at: Nanos(at), length: Nanos(length) });
    let band = (0i64..30, 1i64..8, 0i64..4, proptest::bool::ANY).prop_map(|(width, window, halt, of_mark)| Band {
        of: if of_mark { BandOf::Mark } else { BandOf::Index },
        width: Ratio(width * PERCENT),
        window: Nanos(window),
        halt: Nanos(halt),
    });
    let halts = proptest::collection::vec((option::of(0u16..2), span()), 0..2);
    // Time passes by a nanosecond: a capacity of 2e8 a second is an order every five.
    (option::of(0i64..3), proptest::collection::vec(span(), 0..2), halts, option::of(band)).prop_map(
        |(capacity, outages, halts, band)| Interruptions {
            capacity: capacity.map(|n| n * 200_000_000),
            outages,
            halts,
            band,
        },
    )
}

/// Half of the worlds are plain.
pub(super) fn extras() -> impl Strategy<Value = Extras> {
    let layers = option::of((0..LAYERS.len(), 0..CASH.len()));
    let all = (waterfalls(), option::of(interruptions()), layers, 0i64..300, any::<bool>());
    let all = all.prop_map(|(waterfall, interruptions, layers, overdraft, divided)| Extras {
        waterfall,
        interruptions: interruptions.unwrap_or_default(),
        layers,
        overdraft,
        divided,
    });
    prop_oneof![Just(Extras::default()), all]
}

impl Extras {
    /// Lays itself over plain rules.
    pub fn onto(&self, rules: &mut Rules) {
        rules.waterfall = self.waterfall.clone();
        rules.interruptions = self.interruptions.clone();
        if let Policy::Sharing(policy) = &rules.adl
            && policy.price_need() == PriceNeed::OffMark
        {
            // At the mark such a policy is a fault of the scenario.
            rules.waterfall.adl_price = AdlPrice::Bankruptcy;
        }
        if let Some((layers, cash)) = self.layers {
            rules.position_layers = LAYERS[layers].to_vec();
            rules.cash_layers = CASH[cash].to_vec();
        }
        if self.overdraft > 150 {
            rules.fund.floor = Cash(-self.overdraft);
        }
        if self.divided && rules.contracts.len() == 2 {
            let half = |of: Cash| Cash(of.0 / 2);
            let pool = |contract, open, floor| PoolRules { open, floor, contracts: vec![contract] };
            let (open, floor) = (rules.fund.open, rules.fund.floor);
            rules.waterfall.fund.pools =
                vec![pool(0, half(open), half(floor)), pool(1, open - half(open), floor - half(floor))];
        }
    }
}
