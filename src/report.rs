//! Charts and tables. Reads a folder, never runs a path.

mod charts;
mod frame;
pub mod fund_size;
mod number;
mod scene;
pub mod sweep;
mod table;

use std::fs;
use std::path::Path;

use crate::fault::Failure;
use crate::folder::Folder;
use crate::folder::schema::CHARTS;
use crate::stats::histogram::Histogram;

pub use table::headline;

/// Draws every chart of a folder, finished or still being written, from its files, over those that are there.
///
/// # Errors
/// A folder that cannot be read, or a chart that cannot be written.
pub fn draw(dir: &Path) -> Result<(), Failure> {
    let folder = Folder::read(dir)?;
    let bands = folder.series()?;
    let mut need = Histogram::default();
    folder.rows(&mut |row| need.add(row.fund_need))?;
    let data = charts::Data { header: &folder.header, metrics: &folder.metrics, bands: &bands, need: &need };
    let scenes = [charts::fund(&data), charts::liquidations(&data), charts::price(&data), charts::fund_need(&data)];
    for ((name, _), scene) in CHARTS.iter().zip(scenes) {
        // Each file is replaced whole, so an interruption leaves the old chart or the new one.
        let fresh = dir.join(format!(".{name}.svg"));
        fs::write(&fresh, scene.svg()?).map_err(Failure::file(&fresh))?;
        fs::rename(&fresh, dir.join(format!("{name}.svg"))).map_err(Failure::file(&fresh))?;
        let fresh = dir.join(format!(".{name}.png"));
        scene.png(&fresh)?;
        fs::rename(&fresh, dir.join(format!("{name}.png"))).map_err(Failure::file(&fresh))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
