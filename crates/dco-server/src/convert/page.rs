//! Parts of lists. A token says where to go on, and for which list it was given.

use std::fmt::Display;
use std::str::FromStr;

use crate::status::Fault;

const PAGE_SIZE_DEFAULT: u32 = 100;
const PAGE_SIZE_MAX: u32 = 1_000;

/// A part of a list that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page<P> {
    /// How many to answer; more than is allowed counts as what is allowed.
    pub limit: u32,
    /// Where the part before it ended.
    pub after: Option<P>,
}

impl<P: FromStr> Page<P> {
    /// `list` names the list and whose it is; a token of another list is refused.
    pub(crate) fn read(list: &str, page_size: i32, token: &str) -> Result<Self, Fault> {
        let limit = match u32::try_from(page_size) {
            Ok(0) => PAGE_SIZE_DEFAULT,
            Ok(size) => size.min(PAGE_SIZE_MAX),
            Err(_) => {
                let message = format!("page_size is {page_size}; it must not be negative");
                return Err(Fault::argument("PAGE_SIZE_INVALID", "page_size", message));
            }
        };
        let after = match token.strip_prefix(&stamp(list)) {
            _ if token.is_empty() => None,
            Some(position) => Some(position.parse().map_err(|_| invalid())?),
            None => return Err(invalid()),
        };
        Ok(Self { limit, after })
    }
}

impl<P> Page<P> {
    /// One more than is answered: whether there is more is known without asking again.
    pub(crate) fn look_ahead(&self) -> u32 {
        self.limit.saturating_add(1)
    }

    /// Cuts what was looked at to what is answered. The last item of it if there is more.
    pub(crate) fn cut<'i, T>(&self, items: &'i mut Vec<T>) -> Option<&'i T> {
        let limit = self.limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        items.last().filter(|_| more)
    }
}

/// The token for what follows `last`; empty when nothing does.
pub(crate) fn next_token<P: Display>(list: &str, last: Option<P>) -> String {
    last.map_or_else(String::new, |last| format!("{}{last}", stamp(list)))
}

/// Binds a token to its list. It keeps honest callers from mixing lists up; it protects nothing,
/// because a token gives no right.
fn stamp(list: &str) -> String {
    format!("{:08x}-", dco_block::crc32(list.as_bytes()))
}

fn invalid() -> Fault {
    Fault::argument(
        "PAGE_TOKEN_INVALID",
        "page_token",
        "page_token was not given by this list; start again without one",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_on_in_its_own_list_only() {
        let token = next_token("transfers of a", Some(17));
        let page = Page::<u64>::read("transfers of a", 5, &token).unwrap();
        assert_eq!((page.limit, page.after), (5, Some(17)));
        for wrong in ["x", &token[1..], &format!("{token}x")] {
            let fault = Page::<u64>::read("transfers of a", 5, wrong).unwrap_err();
            assert_eq!(fault.reason(), "PAGE_TOKEN_INVALID");
        }
        let fault = Page::<u64>::read("transfers of b", 5, &token).unwrap_err();
        assert_eq!(fault.reason(), "PAGE_TOKEN_INVALID");
        assert_eq!(next_token::<u64>("transfers of a", None), "");
    }

    #[test]
    fn there_is_a_next_part_only_if_there_is_more() {
        let page = Page::<u64>::read("list", 2, "").unwrap();
        assert_eq!(page.look_ahead(), 3);
        let mut items = vec![1, 2, 3];
        assert_eq!(page.cut(&mut items), Some(&2));
        assert_eq!(items, [1, 2]);
        assert_eq!(page.cut(&mut items), None);
    }

    #[test]
    fn the_size_of_a_part_has_a_default_and_a_limit() {
        let limit = |size| Page::<u64>::read("list", size, "").map(|page| page.limit);
        assert_eq!(limit(0), Ok(100));
        assert_eq!(limit(1), Ok(1));
        assert_eq!(limit(i32::MAX), Ok(1_000));
        assert_eq!(limit(-1).unwrap_err().reason(), "PAGE_SIZE_INVALID");
    }
}
