//! Rows of data, handed to users while the load runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::scenario::{Data, RowOrder, Table};

/// Data from which the users of one arm, on all cores, take rows.
#[derive(Debug)]
pub(super) struct DataFeed {
    pub(super) name: String,
    order: RowOrder,
    table: Arc<Table>,
    /// How many rows were taken.
    taken: AtomicU64,
}

/// Whom a row is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum RowOwner {
    /// A user of the load.
    #[default]
    User,
    /// Whoever looks whether all is well before the load, and takes nothing away from it.
    Probe,
}

impl DataFeed {
    pub(super) fn new(data: &Data) -> Self {
        Self {
            name: data.name.clone(),
            order: data.order,
            table: Arc::clone(&data.table),
            taken: AtomicU64::new(0),
        }
    }

    /// The next row; none where each user has one for itself and all are taken.
    pub(super) fn row(&self, taker: RowOwner, rng: &mut ChaCha8Rng) -> Option<Value> {
        let rows = self.table.rows();
        let index = match (self.order, taker) {
            (RowOrder::Random, _) => rng.random_range(0..rows),
            (RowOrder::Sequential | RowOrder::Unique, RowOwner::Probe) => 0,
            (RowOrder::Sequential, RowOwner::User) => self.count() % rows,
            (RowOrder::Unique, RowOwner::User) => {
                Some(self.count()).filter(|index| *index < rows)?
            }
        };
        Some(self.table.row(index))
    }

    fn count(&self) -> usize {
        // Nothing else hangs on the order in which cores see this.
        let count = self.taken.fetch_add(1, Ordering::Relaxed);
        usize::try_from(count).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;
    use crate::scenario::Format;

    fn taken(order: RowOrder, taker: RowOwner) -> Vec<Option<String>> {
        let table = Table::read(Format::Csv, "n\n0\n1\n2\n".as_bytes()).unwrap();
        let feed = DataFeed::new(&Data {
            name: "rows".to_owned(),
            order,
            table: table.into(),
        });
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut row = || feed.row(taker, &mut rng);
        (0..30)
            .map(|_| row().map(|row| row["n"].as_str().unwrap().to_owned()))
            .collect()
    }

    #[test]
    fn rows_are_taken_in_order_by_chance_or_once() {
        let number = |index: usize| Some((index % 3).to_string());
        let sequential = taken(RowOrder::Sequential, RowOwner::User);
        assert_eq!(sequential, (0..30).map(number).collect::<Vec<_>>());
        let unique = taken(RowOrder::Unique, RowOwner::User);
        assert_eq!(unique[..3], (0..3).map(number).collect::<Vec<_>>());
        assert!(unique[3..].iter().all(Option::is_none));
        let random = taken(RowOrder::Random, RowOwner::User);
        for index in 0..3 {
            assert!(random.contains(&number(index)));
        }
        assert_ne!(random, sequential);
        for order in [RowOrder::Sequential, RowOrder::Unique] {
            assert!(
                taken(order, RowOwner::Probe)
                    .iter()
                    .all(|row| *row == number(0))
            );
        }
    }
}
