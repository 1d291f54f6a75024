//! Which SQS messages a batch came in, and where what they held went: what may be acknowledged.

use std::collections::HashSet;

/// What all messages of a batch held.
#[derive(Debug, Default)]
pub struct Deliveries {
    messages: Vec<Delivery>,
    /// What lay in no message.
    outside: Delivery,
    open: bool,
}

/// What one message held. Few: nearly always one row.
#[derive(Debug, Default)]
struct Delivery {
    id: Option<String>,
    /// Partitions of its rows.
    partitions: Vec<u32>,
    /// Days of its rejected lines.
    days: Vec<Option<i32>>,
}

/// What of a batch is not in the lake.
#[derive(Debug, Default)]
pub struct Missing {
    /// Partitions that lack rows.
    pub partitions: HashSet<u32>,
    /// Days that lack rejected lines.
    pub days: HashSet<Option<i32>>,
}

impl Deliveries {
    /// A message begins.
    pub fn begin(&mut self, id: Option<&str>) {
        // No message can be named by an empty id.
        let id = id.filter(|id| !id.is_empty()).map(str::to_owned);
        self.messages.push(Delivery { id, ..Delivery::default() });
        self.open = true;
    }

    /// It has ended.
    pub fn end(&mut self) {
        self.open = false;
    }

    /// It held a row.
    pub fn row(&mut self, partition: u32) {
        let partitions = &mut self.current().partitions;
        if !partitions.contains(&partition) {
            partitions.push(partition);
        }
    }

    /// It held something that was rejected.
    pub fn rejected(&mut self, day: Option<i32>) {
        let days = &mut self.current().days;
        if !days.contains(&day) {
            days.push(day);
        }
    }

    fn current(&mut self) -> &mut Delivery {
        match self.messages.last_mut() {
            Some(message) if self.open => message,
            _ => &mut self.outside,
        }
    }

    /// Number of messages.
    pub fn messages(&self) -> usize {
        self.messages.len()
    }

    /// The messages that are to come again, each once, in order; None if something is missing that no id stands for, so
    /// that all has to come again.
    pub fn to_come_again(&self, missing: &Missing) -> Option<Vec<String>> {
        let lacks = |delivery: &Delivery| {
            delivery.partitions.iter().any(|partition| missing.partitions.contains(partition))
                || delivery.days.iter().any(|day| missing.days.contains(day))
        };
        if lacks(&self.outside) {
            return None;
        }
        let mut known = HashSet::new();
        let mut ids = Vec::new();
        for message in self.messages.iter().filter(|message| lacks(message)) {
            let id = message.id.as_ref()?;
            if known.insert(id) {
                ids.push(id.clone());
            }
        }
        Some(ids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_comes_again() {
        let mut batch = Deliveries::default();
        for (id, partition, day) in
            [("a", Some(0), None), ("b", Some(1), None), ("c", None, Some(Some(7))), ("b", Some(1), None)]
        {
            batch.begin(Some(id));
            partition.into_iter().for_each(|partition| batch.row(partition));
            day.into_iter().for_each(|day| batch.rejected(day));
            batch.end();
        }
        let missing = |partitions: &[u32], days: &[Option<i32>]| Missing {
            partitions: partitions.iter().copied().collect(),
            days: days.iter().copied().collect(),
        };
        assert_eq!(batch.to_come_again(&missing(&[], &[])), Some(vec![]));
        assert_eq!(batch.to_come_again(&missing(&[1], &[None])), Some(vec!["b".to_owned()]));
        assert_eq!(batch.to_come_again(&missing(&[0], &[Some(7)])), Some(vec!["a".to_owned(), "c".to_owned()]));
        batch.row(2);
        assert_eq!(batch.to_come_again(&missing(&[2], &[])), None, "a row outside of any message");
        batch.begin(Some(""));
        batch.row(3);
        assert_eq!(batch.to_come_again(&missing(&[3], &[])), None, "a message without an id");
        assert_eq!(batch.to_come_again(&missing(&[0], &[])), Some(vec!["a".to_owned()]));
    }
}
