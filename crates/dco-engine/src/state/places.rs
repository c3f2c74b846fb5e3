//! A number for each Device, by the Device's number.

use crate::read::as_usize;

/// No number.
pub(crate) const NONE: u32 = u32::MAX;

/// The place of a Device, which is made where there is none yet.
pub(crate) fn place_of(places: &mut Vec<u32>, device: u32) -> &mut u32 {
    let device = as_usize(device);
    let len = places.len().max(device + 1);
    make_room(places, len);
    places.resize(len, NONE);
    &mut places[device]
}

/// Not to the double: there are millions of Devices.
fn make_room(places: &mut Vec<u32>, len: usize) {
    if len > places.capacity() {
        places.reserve_exact((len - places.len()).max(places.len() / 32));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_made_once_and_keeps_its_number() {
        let mut places = Vec::new();
        for device in [3, 1, 7] {
            assert_eq!(*place_of(&mut places, device), NONE);
            *place_of(&mut places, device) = device + 10;
        }
        let kept = [3, 1, 7].map(|device| *place_of(&mut places, device));
        assert_eq!((kept, places.len()), ([13, 11, 17], 8));
    }
}
