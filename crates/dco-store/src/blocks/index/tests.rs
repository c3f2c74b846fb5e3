use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Index, Key, Place};

fn place(offset: u64) -> Place {
    Place {
        segment: 1,
        offset,
        bytes: 0,
        crc32: 0,
    }
}

fn all(index: &Index) -> Vec<(Key, Place)> {
    index.iter().collect()
}

proptest! {
    #[test]
    fn it_is_a_map_however_it_came_to_be(
        found in prop::collection::vec((0..4_u64, 0..6_u32), 0..40),
        inserted in prop::collection::vec((0..4_u64, 0..6_u32), 0..20),
        freed in 0..5_u64,
    ) {
        let mut places = (1..).map(place);
        let found: Vec<_> = found.into_iter().zip(places.by_ref()).collect();
        let (mut index, replaced) = Index::of_found(found.clone());
        let mut model: BTreeMap<_, _> = found.iter().copied().collect();
        prop_assert_eq!(replaced.len(), found.len() - model.len());
        prop_assert!(replaced.iter().all(|old| model.values().all(|it| it != old)));
        for (key, place) in inserted.into_iter().zip(places) {
            prop_assert_eq!(index.insert(key, place), model.insert(key, place));
            prop_assert_eq!(index.get(key), Some(place));
        }
        prop_assert_eq!(all(&index), model.clone().into_iter().collect::<Vec<_>>());
        let theirs: Vec<_> = model.iter().filter(|((owner, _), _)| *owner == freed).map(|(_, it)| *it).collect();
        prop_assert_eq!(index.remove_all(freed), theirs);
        model.retain(|(owner, _), _| *owner != freed);
        prop_assert_eq!(all(&index), model.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(index.get((freed, 0)), None);
    }
}
