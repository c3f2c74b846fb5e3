//! The Central Products List.

use dco_engine::{ImportProducts, PRODUCTS_MAX, ProductEntry, Refusal, Reply, Request as Ask};
use dco_proto::v1 as pb;
use tonic::Streaming;

use super::Operations;
use crate::convert::page::{Page, next_token};
use crate::convert::products::{product, shown};
use crate::convert::request_id;
use crate::permit::{Caller, Operator, Permit, Staff};
use crate::status::Fault;

impl Operations {
    pub(super) async fn take_in_products(
        &self,
        by: Permit<Operator>,
        mut parts: Streaming<pb::ImportProductsRequest>,
    ) -> Result<pb::ImportProductsResponse, Fault> {
        let first = next_part(&mut parts).await?.unwrap_or_default();
        let id = request_id(&first.request_id)?;
        let validate_only = first.validate_only;
        let why = crate::convert::operations::said_why(&first.ticket, &first.reason)?;
        let mut products = Vec::new();
        let mut part = Some(first);
        while let Some(one) = part {
            add(&mut products, one.products)?;
            part = next_part(&mut parts).await?;
        }
        let ask = Ask::ImportProducts(ImportProducts {
            by: by.operator(),
            id,
            validate_only,
            why,
            products,
        });
        match self.0.engine.ask(by.operator(), ask).await? {
            Reply::Imported(product_count) => Ok(pb::ImportProductsResponse { product_count }),
            _ => Err(Fault::wrong_answer("an import")),
        }
    }

    pub(super) async fn products(
        &self,
        _by: Permit<Staff>,
        caller: &Caller,
        message: &pb::ListProductsRequest,
    ) -> Result<pb::ListProductsResponse, Fault> {
        const LIST: &str = "products";
        let page = Page::<u32>::read(LIST, message.page_size, &message.page_token)?;
        let skip = page.after.unwrap_or(0);
        let limit = page.look_ahead();
        let ask = Ask::ListProducts { skip, limit };
        let Reply::Products(mut views) = self.0.engine.ask(caller.eui64(), ask).await? else {
            return Err(Fault::wrong_answer("the Central Products List"));
        };
        let last = page.cut(&mut views).map(|_| skip + page.limit);
        Ok(pb::ListProductsResponse {
            next_page_token: next_token(LIST, last),
            products: views.into_iter().map(shown).collect(),
        })
    }
}

/// How many may come is checked before any is read.
fn add(products: &mut Vec<ProductEntry>, part: Vec<pb::ProductEntry>) -> Result<(), Fault> {
    let given = products.len() + part.len();
    if given > PRODUCTS_MAX as usize {
        let limit = PRODUCTS_MAX;
        return Err(Fault::argument_refused(&Refusal::TooManyProducts {
            given,
            limit,
        }));
    }
    for entry in part {
        products.push(product(entry, products.len())?);
    }
    Ok(())
}

async fn next_part(
    parts: &mut Streaming<pb::ImportProductsRequest>,
) -> Result<Option<pb::ImportProductsRequest>, Fault> {
    let part = parts.message().await;
    part.map_err(|status| Fault::transport(&status))
}
