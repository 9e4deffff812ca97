//! The faults of one file: the first few of each kind in full, the others of it counted.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::rounding::Rounded;
use crate::fault::Source;
use crate::registry::Reading;

/// Faults of one kind shown in full; a column in the wrong format would otherwise fill the screen.
const SHOWN: usize = 3;

/// What a fault is about: the column, and what is wrong with it. Rows with the same are mended alike.
pub(super) type Kind = (&'static str, &'static str);

/// A file being read: what is wrong in it, and what was rounded.
pub(super) struct Book<'a> {
    pub source: Arc<Source>,
    pub reading: &'a mut Reading,
    pub rounded: Rounded,
    faults: BTreeMap<Kind, Alike>,
}

/// Faults of one kind.
struct Alike {
    count: usize,
    /// The first that is not shown, once there is one.
    hidden: Option<Range<usize>>,
    last: Range<usize>,
}

impl<'a> Book<'a> {
    pub(super) fn new(source: &Arc<Source>, reading: &'a mut Reading) -> Self {
        Self { source: Arc::clone(source), reading, rounded: Rounded::default(), faults: BTreeMap::new() }
    }

    pub(super) fn fault(
        &mut self,
        kind: Kind,
        span: &Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let alike = self.faults.entry(kind).or_insert(Alike { count: 0, hidden: None, last: 0..0 });
        alike.count += 1;
        alike.last = span.clone();
        if alike.count <= SHOWN {
            self.reading.fault_in(Arc::clone(&self.source), span, message, hint);
        } else {
            alike.hidden.get_or_insert_with(|| span.clone());
        }
    }

    pub(super) fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// Tells how many more there are of each kind.
    pub(super) fn close(self) {
        for ((column, wrong), Alike { count, hidden, last }) in self.faults {
            let Some(at) = hidden else { continue };
            let line = 1 + self.source.text[..last.start].matches('\n').count();
            let more = count - SHOWN;
            let rows = if more == 1 { "row" } else { "rows" };
            self.reading.fault_in(
                Arc::clone(&self.source),
                &at,
                format!("and {more} more {rows} like these: `{column}` {wrong}"),
                format!("the last is line {line}; what mends the first {SHOWN} mends the others alike"),
            );
        }
    }
}
