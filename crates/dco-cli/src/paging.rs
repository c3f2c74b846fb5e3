//! Lists that come in pages.

use dco_client::{ClientError, Page, PageRequest};

/// Reads how many are to be shown: none is nothing to ask for.
pub(crate) fn at_least_one(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("write a whole number from 1 on".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// The first items of a list.
#[derive(Debug)]
pub(crate) struct Part<T> {
    pub(crate) items: Vec<T>,
    /// Whether these are all.
    pub(crate) complete: bool,
}

impl<T> Part<T> {
    /// A text about the items, and that there are more where there are.
    pub(crate) fn told(&self, text: String) -> String {
        if self.complete {
            return text;
        }
        let count = self.items.len();
        format!("{text}\nthere are more than these {count}: give a higher --limit")
    }
}

/// As many items as asked for, page by page, and whether that is all; `get` asks for one page.
pub(crate) async fn part<T, F>(
    limit: u32,
    get: impl FnMut(PageRequest) -> F,
) -> Result<Part<T>, ClientError>
where
    F: Future<Output = Result<Page<T>, ClientError>>,
{
    let limit_items = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut items = up_to(limit.saturating_add(1), get).await?;
    let complete = items.len() <= limit_items;
    items.truncate(limit_items);
    Ok(Part { items, complete })
}

/// As many items as asked for, page by page; `get` asks for one page.
pub(crate) async fn up_to<T, F>(
    limit: u32,
    mut get: impl FnMut(PageRequest) -> F,
) -> Result<Vec<T>, ClientError>
where
    F: Future<Output = Result<Page<T>, ClientError>>,
{
    let mut items = Vec::new();
    let mut token = None;
    loop {
        let had = u32::try_from(items.len()).unwrap_or(u32::MAX);
        let size = limit.saturating_sub(had).min(PAGE_ITEMS_MAX);
        if size == 0 {
            break;
        }
        let page = get(PageRequest {
            size,
            token: token.take(),
        })
        .await?;
        items.extend(page.items);
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(items)
}

/// What the service gives in one page at most.
const PAGE_ITEMS_MAX: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages of a list of 2,500 numbers, as a service gives them.
    async fn page(wanted: PageRequest) -> Result<Page<u32>, ClientError> {
        let first: u32 = wanted.token.map_or(0, |token| token.parse().unwrap());
        let end = (first + wanted.size).min(2_500);
        let next = (end < 2_500).then(|| end.to_string());
        Ok(Page {
            items: (first..end).collect(),
            next,
        })
    }

    #[tokio::test]
    async fn a_part_says_whether_it_is_all() {
        for (limit, count, complete) in [
            (2_499, 2_499, false),
            (2_500, 2_500, true),
            (u32::MAX, 2_500, true),
        ] {
            let part = part(limit, page).await.unwrap();
            assert_eq!((part.items.len(), part.complete), (count, complete));
            let told = part.told("all".to_owned());
            assert_eq!(told == "all", complete, "{told}");
        }
    }

    #[tokio::test]
    async fn pages_are_joined_up_to_the_limit_or_the_end() {
        for (limit, count) in [
            (0, 0),
            (1, 1),
            (1_000, 1_000),
            (2_001, 2_001),
            (9_999, 2_500),
        ] {
            let items = up_to(limit, page).await.unwrap();
            assert_eq!(items, (0..count).collect::<Vec<_>>());
        }
    }
}
