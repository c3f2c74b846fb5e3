//! Who may call at all? Asked before anything of a call's body is read, so that a stranger costs no more than its headers.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use dco_proto::Rpc;
use futures::future::Either;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tower::Layer;

use crate::permit::Register;
use crate::status::Fault;

/// Lets calls of those through who may make them about something.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    register: Register,
}

/// A service behind the gate.
#[derive(Debug, Clone)]
pub(crate) struct Gated<S> {
    inner: S,
    gate: Gate,
}

impl Gate {
    pub(crate) fn new(register: Register) -> Self {
        Self { register }
    }

    /// Calls of other services, such as health, ask for themselves.
    fn check<B>(&self, request: &http::Request<B>) -> Result<(), Fault> {
        let Some(rpc) = Rpc::of_path(request.uri().path()) else {
            return Ok(());
        };
        let caller = self
            .register
            .caller_at(request.extensions().get().copied())?;
        if caller.may_call(rpc) {
            return Ok(());
        }
        Err(Fault::caller_not_permitted())
    }
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated {
            inner,
            gate: self.clone(),
        }
    }
}

impl<S> Service<http::Request<Body>> for Gated<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Either<Ready<Result<Self::Response, Infallible>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        match self.gate.check(&request) {
            Ok(()) => Either::Right(self.inner.call(request)),
            Err(fault) => Either::Left(ready(Ok(Status::from(fault).into_http()))),
        }
    }
}
