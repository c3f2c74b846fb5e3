//! Request ids: the one place of this crate where random numbers come in.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use uuid::Uuid;

/// Names one mutating request, so that it can be sent again without being done twice: the same id gives the same answer, with
/// another body it is refused. Counted per User.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(Uuid);

/// A text that is no UUID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a request id; write a UUID like 67e55044-10b1-426f-9247-bb680e5fe0c8")]
pub struct InvalidRequestId {
    pub text: String,
}

impl RequestId {
    /// An id that nobody has used.
    #[expect(
        clippy::disallowed_methods,
        reason = "a request id is made at the edge, where the person or program asks"
    )]
    pub fn fresh() -> Self {
        Self(Uuid::new_v4())
    }
}

impl Display for RequestId {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, out)
    }
}

impl FromStr for RequestId {
    type Err = InvalidRequestId;

    fn from_str(text: &str) -> Result<Self, InvalidRequestId> {
        Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| InvalidRequestId {
                text: text.to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_id_is_read_as_it_is_written_and_is_not_the_next_one() {
        let id = RequestId::fresh();
        assert_eq!(id.to_string().parse::<RequestId>().unwrap(), id);
        assert_ne!(RequestId::fresh(), id);
    }

    #[test]
    fn what_is_no_uuid_is_refused_with_an_example() {
        let refused = "twelve".parse::<RequestId>().unwrap_err();
        assert!(refused.to_string().contains("write a UUID like"));
    }
}
