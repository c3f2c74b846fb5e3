//! End-to-end tests: one binary, so that the service is built and linked once.

#[cfg(test)]
mod activation;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod care;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod hoards;
#[cfg(test)]
mod intake;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod load;
#[cfg(test)]
mod log;
mod permissions;
#[cfg(test)]
mod real;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod rounds;
#[cfg(test)]
mod running;
#[cfg(test)]
mod schedules;
#[cfg(test)]
mod trust;
