//! Maintenance that moves in steps with realised volatility.
//!
//! While a contract's volatility stands at a step with multiplier λ, every tier has the rate ⌈λ·rate⌉ (in billionths), and
//! deductions follow, so maintenance is λ times what the table says. Accounts and ledger are not touched: an isolated
//! position triggers at another place, so the contract uses another list of triggers, built from the register when its λ
//! is first used and kept as long as the register; each list has cursors of its own, and whatever lies before a cursor is
//! no longer listed. Positions that the path has touched are armed anew. A cross account is looked at again where λ rises,
//! as its bound held for the lower one; where it falls its bound is too near at worst.

use std::sync::Arc;

use super::ledger::State;
use super::margin::{Tier, Tiers};
use super::register::Register;
use super::rules::{ContractRules, MarginMode, Rules};
use super::triggers::Triggers;
use super::{SIDES, Venue};
use crate::facts::{ContractId, Fact, Side};
use crate::money::{Ratio, div_ceil, narrow};

impl Tiers {
    /// The same notional floors with `multiplier` times the rates, rounded up to a billionth; `None` where a rate would
    /// reach 1.
    #[must_use]
    pub fn scaled_by(&self, multiplier: Ratio) -> Option<Self> {
        let scaled = |tier: &Tier| {
            let rate = div_ceil(i128::from(tier.rate.0) * i128::from(multiplier.0), i128::from(Ratio::ONE.0));
            (rate < i128::from(Ratio::ONE.0)).then(|| Tier { rate: Ratio(narrow(rate)), ..*tier })
        };
        let tiers: Option<Vec<Tier>> = self.tiers().iter().map(scaled).collect();
        let scaled = Self::new(tiers?).ok()?;
        Some(if self.are_haircuts() { scaled.into_haircuts() } else { scaled })
    }
}

/// How far a list was read when another came into use: position and bound of each side's cursor.
type Places = [(usize, i64); 2];

/// One step of one contract.
#[derive(Debug)]
struct Level {
    multiplier: Ratio,
    /// The tiers of this step; while it is in use they stand in the rules, and these are those of the table.
    tiers: Tiers,
    triggers: Triggers,
    /// Version of the register that the triggers were built from; 0 for none.
    version: u64,
    /// `None` where the path has not used the step yet.
    places: Option<Places>,
}

#[derive(Debug)]
struct Contract {
    /// Greatest maintenance rate at any step.
    greatest_rate: Ratio,
    /// The step in use; `None` below the first.
    level: Option<usize>,
    levels: Vec<Level>,
    /// Where the cursors stand in the register's own list while a step is in use.
    home: Places,
}

/// The steps of all contracts; nothing where the rules have none.
#[derive(Debug, Default)]
pub(super) struct Dynamic {
    contracts: Vec<Contract>,
}

impl Dynamic {
    pub fn new(rules: &Rules) -> Self {
        let Some(dynamic) = &rules.dynamic else { return Self::default() };
        let contract = |of: &ContractRules| {
            let level = |step: &super::rules::VolatilityStep| Level {
                multiplier: step.multiplier,
                // Rates that reach 1 are a fault of the scenario.
                tiers: of.tiers.scaled_by(step.multiplier).expect("maintenance rates stay below 1 at every step"),
                triggers: Triggers::default(),
                version: 0,
                places: None,
            };
            let levels: Vec<Level> = dynamic.steps.iter().map(level).collect();
            let rates = levels.iter().map(|level| level.tiers.greatest_rate());
            let greatest_rate = rates.fold(of.tiers.greatest_rate(), Ord::max);
            Contract { greatest_rate, level: None, levels, home: Places::default() }
        };
        Self { contracts: rules.contracts.iter().map(contract).collect() }
    }

    pub fn is_on(&self) -> bool {
        !self.contracts.is_empty()
    }

    /// The list of triggers in use in place of the register's own.
    pub fn triggers(&mut self, contract: usize) -> Option<&mut Triggers> {
        let contract = self.contracts.get_mut(contract)?;
        contract.level.map(|level| &mut contract.levels[level].triggers)
    }

    /// The greatest maintenance rate of a contract at any step, where there are steps.
    pub fn greatest_rate(&self, contract: usize) -> Option<Ratio> {
        self.contracts.get(contract).map(|contract| contract.greatest_rate)
    }

    /// Goes back to the tiers of the table.
    pub fn reset(&mut self, rules: &mut Arc<Rules>) {
        for (c, contract) in self.contracts.iter_mut().enumerate() {
            contract.levels.iter_mut().for_each(|level| level.places = None);
            if let Some(level) = contract.level.take() {
                contract.levels[level].swap(c, rules);
            }
        }
    }
}

impl Level {
    /// Exchanges the tiers in use. Rules that a venue shares with others become its own the first time.
    fn swap(&mut self, contract: usize, rules: &mut Arc<Rules>) {
        std::mem::swap(&mut self.tiers, &mut Arc::make_mut(rules).contracts[contract].tiers);
    }

    /// Builds the list of the isolated positions of a contract, whose tiers stand in the rules.
    fn build(&mut self, contract: ContractId, register: &Register, rules: &Rules) {
        let c = usize::from(contract);
        let of = &rules.contracts[c];
        let holdings = &register.holdings;
        self.triggers.start(of.line(Side::Long, register.contracts[c].open).1);
        let listed = |id: &usize| holdings.contract[*id] == contract && holdings.mode(*id) == MarginMode::Isolated;
        let place = |id: usize| {
            let qty = holdings.qty[id];
            let place = of.trigger(rules.trigger, qty, holdings.cost[id], holdings.collateral[id]);
            (of.line_side(Side::of(qty)), place)
        };
        let places: Vec<(usize, (Side, i64))> =
            (0..holdings.account.len()).filter(listed).map(|id| (id, place(id))).collect();
        places.iter().for_each(|&(_, (side, place))| self.triggers.count(side, place));
        self.triggers.lay_out();
        for (id, (side, place)) in places {
            self.triggers.place(side, place, u32::try_from(id).expect("positions are numbered in 32 bits"));
        }
        self.version = register.version();
    }
}

impl Venue {
    /// Takes note of the realised volatility of a contract: the step that it stands at holds from now on.
    pub(super) fn note_volatility(&mut self, contract: ContractId, volatility: Ratio) {
        let Some(dynamic) = &self.rules.dynamic else { return };
        let wanted = dynamic.steps.iter().rposition(|step| step.volatility <= volatility);
        let c = usize::from(contract);
        let before = self.dynamic.contracts[c].level;
        if wanted == before {
            return;
        }
        let multiplier_of = |venue: &Self, level: Option<usize>| {
            level.map_or(Ratio::ONE, |level| venue.dynamic.contracts[c].levels[level].multiplier)
        };
        let (old, new) = (multiplier_of(self, before), multiplier_of(self, wanted));
        self.change_lists(contract, wanted);
        self.arm_touched(contract);
        // The lists of the steps hold isolated positions alone, so a step of multiplier 1 looks at cross accounts too.
        if new > old || before.is_none() {
            self.look_again_at_cross(contract);
        }
        self.ledger.facts.push(Fact::MaintenanceScaled { contract, multiplier: new, volatility });
    }

    /// Leaves the list in use where it stands, and goes on with the other where that was left.
    fn change_lists(&mut self, contract: ContractId, wanted: Option<usize>) {
        let c = usize::from(contract);
        let register = self.ledger.register();
        let of = &mut self.dynamic.contracts[c];
        let cursors = &mut self.cursors[c];
        let here = [0, 1].map(|side| (cursors[side].at, cursors[side].bound));
        match of.level.take() {
            None => of.home = here,
            Some(level) => {
                of.levels[level].places = Some(here);
                of.levels[level].swap(c, &mut self.rules);
            }
        }
        of.level = wanted;
        let places = match wanted {
            None => of.home,
            Some(level) => {
                let level = &mut of.levels[level];
                level.swap(c, &mut self.rules);
                if level.version != register.version() {
                    level.build(contract, register, &self.rules);
                    level.places = None;
                }
                level.places.unwrap_or_else(|| SIDES.map(|side| (0, level.triggers.bound(side, 0))))
            }
        };
        for (cursor, (at, bound)) in cursors.iter_mut().zip(places) {
            (cursor.at, cursor.bound) = (at, bound);
        }
    }

    /// Arms the isolated positions beside the list anew; cross positions keep their bounds.
    fn arm_touched(&mut self, contract: ContractId) {
        for side in [0, 1] {
            let entries = std::mem::take(&mut self.cursors[usize::from(contract)][side].rearmed);
            for entry in entries {
                let trigger = entry.0;
                let position = self.ledger.position(trigger.position);
                if position.state != State::Rearmed || self.ledger.armed(&position) != trigger.distance {
                    continue;
                }
                if position.mode == MarginMode::Cross {
                    self.cursors[usize::from(contract)][side].rearmed.push(entry);
                } else {
                    self.rearm(position.id);
                }
            }
        }
    }

    /// Has every cross account with a position in a contract looked at at this refresh.
    fn look_again_at_cross(&mut self, contract: ContractId) {
        let register = self.ledger.register();
        if register.holdings.cross.is_empty() {
            return;
        }
        let of_contract = |id: &usize| {
            register.holdings.contract[*id] == contract && register.holdings.mode(*id) == MarginMode::Cross
        };
        let ids: Vec<usize> = (0..register.holdings.account.len()).filter(of_contract).collect();
        for id in ids {
            let position = self.ledger.position(u32::try_from(id).expect("positions are numbered in 32 bits"));
            if !matches!(position.state, State::Closed | State::Queued) && !position.qty.is_zero() {
                self.rearm(position.id);
            }
        }
    }
}
