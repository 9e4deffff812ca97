//! Charts and tables. Reads a folder, never runs a path.

pub mod attribution;
pub mod book;
mod charts;
pub mod columns;
pub mod conduct;
pub mod contributions;
mod findings;
mod footnotes;
mod frame;
pub mod frontier;
pub mod fund_size;
mod number;
pub mod opening;
pub mod page;
mod plot;
mod scene;
pub mod screening;
pub mod sweep;
mod table;
pub mod tilted;

use std::fs;
use std::path::Path;

use crate::fault::Failure;
use crate::folder::Folder;
use crate::folder::attribution::Attribution;
use crate::stats::histogram::Histogram;

pub use page::{House, Theme};
pub use table::headline;

/// Draws every chart and the page of a folder, finished or still being written, from its files, over those that are
/// there.
///
/// # Errors
/// A folder that cannot be read, a chart that cannot be written, or a template that cannot be rendered.
pub fn draw(dir: &Path, house: &House) -> Result<(), Failure> {
    let folder = Folder::read(dir)?;
    let bands = folder.series()?;
    let (mut need, mut worst) = (Histogram::default(), page::Worst::default());
    folder.rows(&mut |row| {
        need.add(row.fund_need);
        worst.see(row);
    })?;
    let traces = folder.traces()?;
    let what_if = folder.what_if()?;
    let conduct = folder.conduct()?;
    let data = charts::Data {
        header: &folder.header,
        metrics: &folder.metrics,
        bands: &bands,
        need: &need,
        traces: &traces,
        what_if: what_if.as_ref(),
        conduct: &conduct,
    };
    let plots = charts::all(&data);
    let (attributed, written) = (Attribution::read(dir)?, folder.written()?);
    // The page first: a broken template then leaves everything as it was.
    let more = page::More { written: written.as_ref(), attribution: attributed.as_ref() };
    let page = page::render(&data, &plots, &worst, &more, house)?;
    for plot in &plots {
        let (name, scene) = (plot.name, plot.scene());
        replace(dir, &format!("{name}.svg"), |fresh| fs::write(fresh, scene.svg()?).map_err(Failure::file(fresh)))?;
        replace(dir, &format!("{name}.png"), |fresh| scene.png(fresh))?;
    }
    if let Some(found) = attributed {
        attribution::draw(&found, dir)?;
    }
    replace(dir, "report.html", |fresh| fs::write(fresh, page).map_err(Failure::file(fresh)))
}

/// Each file is replaced whole, so an interruption leaves the old one or the new one.
fn replace(dir: &Path, name: &str, write: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
    let fresh = dir.join(format!(".{name}"));
    write(&fresh)?;
    fs::rename(&fresh, dir.join(name)).map_err(Failure::file(&fresh))
}

#[cfg(test)]
mod tests;
