//! VADER's rule of "but": what stands before it counts half, what stands after it half as much
//! again.

use std::cmp::Ordering;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Weighs the valences around the word of index `but`; `rated` holds index and valence, none of
/// them 0.
///
/// The original walks over the words and changes, for each one, the *first* word that has the same
/// valence at that moment. So of two equal valences before "but" one is halved twice or not at all,
/// depending on what else there is. Here the places of a valence wait in a heap, which spares the
/// search; an entry whose place has another valence by now is stale.
pub(super) fn weigh(rated: &mut [(usize, f64)], but: usize) {
    let mut places: HashMap<u64, BinaryHeap<Reverse<usize>>> = HashMap::new();
    for (place, (_, valence)) in rated.iter().enumerate() {
        places.entry(valence.to_bits()).or_default().push(Reverse(place));
    }
    for step in 0..rated.len() {
        let valence = rated[step].1;
        let Some(heap) = places.get_mut(&valence.to_bits()) else { continue };
        while heap.peek().is_some_and(|Reverse(place)| rated[*place].1 != valence) {
            heap.pop();
        }
        let Some(Reverse(place)) = heap.peek().copied() else { continue };
        let weight = match rated[place].0.cmp(&but) {
            Ordering::Less => 0.5,
            Ordering::Equal => continue,
            Ordering::Greater => 1.5,
        };
        rated[place].1 *= weight;
        places.entry(rated[place].1.to_bits()).or_default().push(Reverse(place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The original's loop: `sentiments.index`, `pop`, `insert`.
    fn naive(valences: &[f64], but: usize) -> Vec<f64> {
        let mut valences = valences.to_vec();
        for step in 0..valences.len() {
            let valence = valences[step];
            let first = valences.iter().position(|other| *other == valence).expect("is in there");
            match first.cmp(&but) {
                Ordering::Less => valences[first] *= 0.5,
                Ordering::Equal => {}
                Ordering::Greater => valences[first] *= 1.5,
            }
        }
        valences
    }

    proptest! {
        #[test]
        fn equals_the_originals_loop(
            quarters in prop::collection::vec(-8_i32..8, 0..60),
            but in 0_usize..60,
        ) {
            let valences: Vec<f64> =
                quarters.iter().map(|quarter| f64::from(*quarter) / 4.0).collect();
            let indexed = valences.iter().copied().enumerate();
            let mut rated: Vec<_> = indexed.filter(|(_, valence)| *valence != 0.0).collect();
            weigh(&mut rated, but);
            let expected = naive(&valences, but).into_iter().filter(|valence| *valence != 0.0);
            let got: Vec<f64> = rated.into_iter().map(|(_, valence)| valence).collect();
            prop_assert_eq!(got, expected.collect::<Vec<_>>());
        }
    }
}
