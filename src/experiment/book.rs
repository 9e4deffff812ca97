//! The accounts of one path at its opening, without running it.

use crate::fault::Failure;
use crate::folder::book::{Book, Held, Listed};
use crate::sim::path::Worker;
use crate::sim::stage::Stage;

/// Draws the accounts of a path, or takes those that were loaded.
///
/// # Errors
/// Where a population cannot be drawn.
pub fn draw(stage: &Stage<'_>, path: u64) -> Result<Book, Failure> {
    let mut worker = Worker::new(stage);
    let register = worker.accounts(path)?;
    let holdings = &register.holdings;
    let positions = (0..holdings.account.len()).map(|j| Held {
        account: holdings.account[j],
        contract: holdings.contract[j],
        qty: holdings.qty[j],
        cost: holdings.cost[j],
        collateral: holdings.collateral[j],
        liquidation: register.liquidation[j],
    });
    let contracts = stage.scenario.assets.iter().map(|asset| Listed {
        symbol: asset.symbol.clone(),
        tick: asset.tick,
        lot: asset.lot,
        multiplier: asset.multiplier,
        mark: asset.open,
    });
    Ok(Book {
        header: super::header(stage, 1),
        path,
        contracts: contracts.collect(),
        names: stage.account_names().to_vec(),
        wallet: holdings.wallet.clone(),
        positions: positions.collect(),
    })
}
