//! No gateway is given a block of another image than the one on offer to it.

use std::collections::BTreeMap;

use dco_block::{Eui64, ImageId};
use dco_engine::{AttemptRef, ToGateway};

use super::{Breach, Checker};
use crate::happened::Happened;

/// The image that each gateway was offered with each attempt.
#[derive(Debug, Default)]
pub(super) struct OwnImage {
    offered: BTreeMap<(Eui64, AttemptRef), ImageId>,
}

impl Checker for OwnImage {
    fn promise(&self) -> &'static str {
        "no gateway is given a block of another image than the one on offer"
    }

    fn see(&mut self, happened: &Happened<'_>) -> Result<(), Breach> {
        match happened {
            Happened::Told {
                gateway,
                message: ToGateway::Offer(offer),
            } => {
                let image_id = offer.manifest.image_id();
                self.offered.insert((*gateway, offer.attempt), image_id);
                Ok(())
            }
            Happened::ImageRead {
                gateway,
                attempt,
                image_id,
            } => match self.offered.get(&(*gateway, *attempt)) {
                Some(offered) if Some(*offered) == *image_id => Ok(()),
                offered => Err(format!(
                    "{gateway} reads {image_id:?} for {attempt:?}, it was offered {offered:?}"
                )),
            },
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dco_block::Eui64;
    use dco_engine::{Offer, ToGateway};

    use super::OwnImage;
    use crate::checkers::history::{attempt, broken, kept};
    use crate::estate::Estate;
    use crate::happened::Happened;

    #[test]
    fn another_image_a_damaged_one_and_one_that_was_not_offered_are_seen() {
        let estate = Estate::draw(&mut crate::dice::Dice::new(0));
        let image_ids = [0, 1].map(|at: usize| estate.images[at].manifest.image_id());
        let gateway = Eui64::from_bits(5);
        let read = |number, image_id| Happened::ImageRead {
            gateway,
            attempt: attempt(0, number),
            image_id,
        };
        let message = &ToGateway::Offer(Offer {
            attempt: attempt(0, 1),
            manifest: Arc::clone(&estate.images[0].manifest),
            answer_by_us: 0,
            read_version_first: false,
            execute_us: None,
        });
        let mut checker = OwnImage::default();
        kept(&mut checker, &Happened::Told { gateway, message });
        kept(&mut checker, &read(1, Some(image_ids[0])));
        broken(&mut checker, &read(1, Some(image_ids[1])));
        broken(&mut checker, &read(1, None));
        broken(&mut checker, &read(2, Some(image_ids[0])));
    }
}
