//! Collateral held in a token: a holding of each account, behind its position.
//!
//! A holding of q lots worth v each at the opening is a position of q lots that cost q·v, and q·v of what its account has
//! posted is the token. So equity at a price p is cash + q·p·k whatever the token does, in the terms of any other position.

use super::{Draft, Generated};
use crate::money::{Cash, Qty};
use crate::traders::{Group, Opening, Population, Token};

impl Group {
    /// Positions of the whole group, holdings of tokens among them.
    #[must_use]
    pub fn positions(&self) -> u32 {
        if self.token.is_some() { 2 * self.count } else { self.count }
    }
}

impl Token {
    /// The holding of an account that posts so much, and its worth: whole lots, rounded down, at least one.
    fn held<O: Opening + ?Sized>(&self, collateral: Cash, opening: &O) -> (Qty, Cash) {
        let (multiplier, open) = opening.contract(self.contract);
        let lot = multiplier.notional(Qty(1), open).0.max(1);
        // A share of at most 1 of what fits 64 bits fits them too.
        let worth = Cash::floor(collateral.0 as f64 * self.share).unwrap_or(collateral).min(collateral);
        let lots = Qty((worth.0 / lot).max(1));
        (lots, multiplier.notional(lots, open))
    }
}

/// Whether an account of this group may open with this position, and with the token that its collateral is held in.
#[expect(clippy::inline_always, reason = "called once for every account drawn, and elsewhere for the few redrawn ones")]
#[inline(always)]
pub(super) fn accepts<O: Opening + ?Sized>(group: &Group, draft: &Draft, opening: &O) -> bool {
    match &group.token {
        None => opening.accepts(group.contract, draft.qty, draft.cost, draft.collateral),
        Some(token) => {
            let (lots, cost) = token.held(draft.collateral, opening);
            let both = [(group.contract, draft.qty, draft.cost), (token.contract, lots, cost)];
            opening.accepts_cross(&both, draft.collateral)
        }
    }
}

impl Generated {
    /// Puts the holding of each account of a group with a token behind its position.
    pub(super) fn hold_tokens<O: Opening + ?Sized>(&self, opening: &O, out: &mut Population) {
        if self.groups.iter().all(|group| group.token.is_none()) {
            return;
        }
        let mut from = out.account.len();
        let mut to: usize = self.groups.iter().map(|group| group.positions() as usize).sum();
        out.account.resize(to, 0);
        out.contract.resize(to, 0);
        out.qty.resize(to, Qty::ZERO);
        out.cost.resize(to, Cash::ZERO);
        out.collateral.resize(to, Cash::ZERO);
        // From behind, so that nothing is written over before it is moved.
        for group in self.groups.iter().rev() {
            for _ in 0..group.count {
                from -= 1;
                let account = out.account[from];
                if let Some(token) = &group.token {
                    to -= 1;
                    let (lots, cost) = token.held(out.collateral[from], opening);
                    out.account[to] = account;
                    out.contract[to] = token.contract;
                    (out.qty[to], out.cost[to], out.collateral[to]) = (lots, cost, Cash::ZERO);
                }
                to -= 1;
                out.account[to] = account;
                out.contract[to] = out.contract[from];
                (out.qty[to], out.cost[to], out.collateral[to]) = (out.qty[from], out.cost[from], out.collateral[from]);
            }
        }
    }
}
