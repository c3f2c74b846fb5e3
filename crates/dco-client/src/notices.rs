//! What parties are told, and what a User may send.

use dco_block::Eui64;
use dco_proto::v1 as pb;
use dco_proto::v1::notices_client::NoticesClient as Wire;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::convert::{all, user_name};
use crate::retry::Backoff;
use crate::types::{Limits, Notice, NoticeParty, Notices};
use crate::{ClientError, Link, RetryPolicy};

/// The way to notices and limits. Cheap to clone.
#[derive(Clone, Debug)]
pub struct NoticesClient {
    client: Wire<Channel>,
}

/// The notices of a party as they come, over as many links as it takes.
#[derive(Debug)]
pub struct NoticeWatch {
    client: Wire<Channel>,
    party: NoticeParty,
    position: u64,
    backoff: Backoff,
    stream: Option<Streaming<pb::ListNoticesResponse>>,
}

impl NoticesClient {
    /// Whoever speaks over this link.
    pub fn new(link: &Link) -> Self {
        Self {
            client: Wire::new(link.channel()),
        }
    }

    /// Notices after a position, oldest first; `limit` 0 leaves it to the server how many.
    pub async fn notices(
        &self,
        party: NoticeParty,
        position: u64,
        limit: u32,
    ) -> Result<Notices, ClientError> {
        let request = pb::ListNoticesRequest {
            parent: party.to_string(),
            position,
            page_size: i32::try_from(limit).unwrap_or(i32::MAX),
        };
        let answer = self.client.clone().list_notices(request).await?;
        Ok(answer.into_inner().try_into()?)
    }

    /// Notices after a position, and then each new one as it comes. Goes on after broken links.
    pub fn watch(&self, party: NoticeParty, position: u64, retry: RetryPolicy) -> NoticeWatch {
        NoticeWatch {
            client: self.client.clone(),
            party,
            position,
            backoff: Backoff::new(retry),
            stream: None,
        }
    }

    /// What a User may send, and what of it is sent; the caller itself when `user` is `None`.
    pub async fn limits(&self, user: Option<Eui64>) -> Result<Limits, ClientError> {
        let request = pb::GetLimitsRequest {
            parent: user.map(user_name).unwrap_or_default(),
        };
        let answer = self.client.clone().get_limits(request).await?;
        Ok(answer.into_inner().try_into()?)
    }
}

impl NoticeWatch {
    /// The next notices; waits until there are any.
    pub async fn next(&mut self) -> Result<Vec<Notice>, ClientError> {
        loop {
            match self.read().await {
                Ok(told) => {
                    // A server that repeats itself must not keep us here for ever.
                    if told.position > self.position {
                        self.backoff.progressed();
                    }
                    self.position = told.position;
                    return Ok(all(told.notices)?);
                }
                Err(fault) => {
                    self.stream = None;
                    self.backoff.after(fault).await?;
                }
            }
        }
    }

    /// Where a new watch would go on.
    pub fn position(&self) -> u64 {
        self.position
    }

    async fn read(&mut self) -> Result<pb::ListNoticesResponse, ClientError> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let request = pb::ListNoticesRequest {
                    parent: self.party.to_string(),
                    position: self.position,
                    page_size: 0,
                };
                let opened = self.client.watch_notices(request).await?.into_inner();
                self.stream.insert(opened)
            }
        };
        let told = stream.message().await?;
        told.ok_or_else(|| ClientError::broken("the server ended the stream of notices"))
    }
}
