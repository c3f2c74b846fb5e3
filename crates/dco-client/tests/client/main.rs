//! The client against a peer that speaks the same wire definitions and behaves as each test asks: over real mutual TLS on loopback.

#[cfg(test)]
mod batches;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod images;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod parties;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod send;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod transfers;
#[cfg(test)]
mod watch;
