//! The service as a whole: built from its configuration, run until it is told to stop.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use dco_engine::Rate;
use dco_schedule::Micros;
use dco_store::{Disk, FileDisk, StoreError};
use tokio::net::TcpListener;
use tokio::sync::oneshot::error::RecvError;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_health::ServingStatus;

use crate::backup::{BACKUP_LIST, BACKUP_LIST_UNFINISHED, Backups};
use crate::checkpoint::LogKey;
use crate::clock::Clock;
use crate::config::{Config, Connections};
use crate::decision_log::DecisionLog;
use crate::driver::{self, DriverError, Recovered, Running, Surroundings};
use crate::expiry;
use crate::gate::Gate;
use crate::http::Insight;
use crate::intake::Intake;
use crate::listener::{Trust, connections};
use crate::metrics::Metrics;
use crate::observe::Observer;
use crate::permit::Register;
use crate::refusals::Refusals;
use crate::registrations::registered;
use crate::reload::Rounds;
use crate::routes::{Health, routes};
use crate::scrub::Scrub;
use crate::services::{Context, Stopping};
use crate::signers::{self, Signers};
use crate::tls::{self, Credentials, TlsError};

/// Frames of this size need a quarter to a third less time than those of the default 16 KiB.
const FRAME_BYTES_MAX: u32 = 1024 * 1024;
const STREAM_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 16 * 1024 * 1024;
/// A connection whose peer has gone without a word is noticed after the sum of the two.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(30);
const KEEP_ALIVE_WITHIN: Duration = Duration::from_secs(20);
/// Calls that were told to end do so at once; whoever does not read that is left behind.
const CUT_WITHIN: Duration = Duration::from_secs(1);

/// Where the service listens. With port 0 in the configuration these are the ports that were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// gRPC with mTLS.
    pub grpc: SocketAddr,
    /// Metrics and readiness.
    pub http: SocketAddr,
}

/// Why the service did not start, or ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Certificates or keys.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The data folder cannot be opened.
    #[error("cannot open the data folder: {0}")]
    Open(#[source] StoreError),
    /// It would send again what others have in hand.
    #[error(
        "{} is a backup, or was not finished being made of one, and is not served as it is; make a data \
         folder of the backup with `dco restore` and serve that",
        _0.display()
    )]
    Backup(PathBuf),
    /// The disk has failed. Nothing that was acknowledged is lost; start again when it is repaired.
    #[error("the store has failed: {0}")]
    Store(#[source] Arc<StoreError>),
    /// The operating system gives no thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
    /// The operating system does not let it listen for SIGHUP.
    #[error("cannot listen for signals: {0}")]
    Signal(#[source] io::Error),
    /// A bug.
    #[error("{0}")]
    Broken(String),
}

/// Runs the service until `stop`, or until it cannot go on. `on_ready` is called when it takes calls.
///
/// # Errors
/// When it cannot start, and when the store fails: then all answers that were not given become
/// UNAVAILABLE, and the next start decides from disk what was done.
pub async fn serve(
    config: Config,
    clock: Clock,
    stop: impl Future<Output = ()>,
    on_ready: impl FnOnce(Bound),
) -> Result<(), ServeError> {
    let metrics = Metrics::new();
    // Before anything that takes its time: nobody listening, SIGHUP would be the end of the process.
    let (rounds, ear) =
        Rounds::new(config.tls.reload_every, Arc::clone(&metrics)).map_err(ServeError::Signal)?;
    let (credentials, reloader) = tls::load(config.tls.clone()).await?;
    let (signers, signers_reloader) =
        signers::load(config.signing.clone(), config.file.clone()).await?;
    let (register, gateway_rate, registrations) = registered(&config);
    let log_key = log_key(&config).await?;
    let sockets = Sockets::bind(&config).await?;
    let bound = sockets.bound;
    let recovered = recover(&config, clock).await?;
    let ends = Ends::default();
    let running = start(
        &config,
        (clock, signers, log_key.clone()),
        (recovered, gateway_rate),
        (&ends, &metrics),
    )?;
    let around = (&ends, metrics, register.clone());
    let context = context(&config, (clock, log_key), &running, around);
    let front = Front::new(context, &config.connections).await;

    tokio::spawn(ear.listen());
    tokio::spawn(rounds.clone().run(reloader));
    tokio::spawn(rounds.clone().run(signers_reloader));
    tokio::spawn(rounds.run(registrations));
    let warned = (credentials.clone(), clock, config.tls.warn_before);
    tokio::spawn(expiry::warn(warned.0, warned.1, warned.2));
    tokio::spawn(scrub(&config, &front.context));
    let refusals = front.context.refusals.clone();
    tokio::spawn(
        refusals
            .clone()
            .run(running.engine.clone(), ends.stopping.draining.clone()),
    );
    tokio::spawn(crate::http::serve(
        sockets.http,
        front.insight(credentials.clone()),
        ends.driver.clone().cancelled_owned(),
    ));
    let trust = Trust {
        credentials,
        register,
        eui64_from: config.tls.eui64_from,
        warned: (clock, config.tls.warn_before),
    };
    let counted = Arc::clone(&front.context.metrics);
    let incoming = connections(sockets.grpc, trust, config.connections, counted);
    let serving = server(&config)
        .layer(front.observer.clone())
        .layer(Gate::new(front.context.register.clone()))
        .add_routes(front.routes.clone())
        .serve_with_incoming_shutdown(incoming, ends.stopping.draining.clone().cancelled_owned());
    let mut serving = pin!(serving);
    tracing::info!(grpc = %bound.grpc, http = %bound.http, "ready");
    on_ready(bound);

    let mut ended = running.ended;
    tokio::select! {
        () = stop => {}
        outcome = &mut ended => return Err(too_early(outcome)),
        served = &mut serving => return Err(ServeError::Broken(format!("gRPC ended: {served:?}"))),
    }
    front.drain(serving, config.drain, &ends.stopping).await;
    // What was refused last. When the driver has ended, the disk has failed: that is told next.
    let _told = refusals.flush(&running.engine).await;
    ends.driver.cancel();
    ended
        .await
        .unwrap_or(Err(DriverError::Gone))
        .map_err(ServeError::from)
}

async fn log_key(config: &Config) -> Result<Option<LogKey>, ServeError> {
    match &config.log_key {
        Some(file) => Ok(Some(LogKey::load(file).await?)),
        None => Ok(None),
    }
}

/// Both sockets.
#[derive(Debug)]
struct Sockets {
    grpc: TcpListener,
    http: TcpListener,
    bound: Bound,
}

/// What calls meet.
struct Front {
    context: Context,
    observer: Observer,
    health: Health,
    routes: Routes,
}

/// What makes things end. Dropping it ends them all, so that nothing runs on when the service's future
/// is dropped in the middle.
#[derive(Debug, Default)]
struct Ends {
    stopping: Stopping,
    driver: CancellationToken,
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.stopping.draining.cancel();
        self.stopping.cut.cancel();
        self.driver.cancel();
    }
}

impl From<DriverError> for ServeError {
    fn from(error: DriverError) -> Self {
        match error {
            DriverError::Store(cause) => Self::Store(cause),
            DriverError::Gone => Self::Broken(error.to_string()),
        }
    }
}

/// The driver ended though nobody told it to.
fn too_early(outcome: Result<Result<(), DriverError>, RecvError>) -> ServeError {
    match outcome {
        Ok(Err(error)) => error.into(),
        Ok(Ok(())) | Err(_) => DriverError::Gone.into(),
    }
}

impl Sockets {
    async fn bind(config: &Config) -> Result<Self, ServeError> {
        let (grpc, grpc_address) = listen(config.listen).await?;
        let (http, http_address) = listen(config.http_listen).await?;
        Ok(Self {
            grpc,
            http,
            bound: Bound {
                grpc: grpc_address,
                http: http_address,
            },
        })
    }
}

/// Listens, and says where: with port 0 that is news.
async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

impl Front {
    async fn new(context: Context, bounds: &Connections) -> Self {
        let (health, routes) = routes(&context).await;
        Self {
            observer: Observer::new(
                Arc::clone(&context.metrics),
                context.refusals.clone(),
                bounds,
            ),
            context,
            health,
            routes,
        }
    }

    fn insight(&self, credentials: watch::Receiver<Credentials>) -> Insight {
        Insight {
            metrics: Arc::clone(&self.context.metrics),
            engine: self.context.engine.clone(),
            intake: self.context.intake.clone(),
            disk: self.context.backups.disk(),
            reader: self.context.reader.clone(),
            credentials,
            draining: self.context.stopping.draining.clone(),
        }
    }

    /// Says that no new work is taken, and lets what is under way finish, until the deadline.
    async fn drain<S: Future>(&self, mut serving: Pin<&mut S>, within: Duration, ends: &Stopping) {
        tracing::info!("stopping");
        self.health.set(ServingStatus::NotServing).await;
        ends.draining.cancel();
        if timeout(within, &mut serving).await.is_err() {
            let calls = self.observer.open_calls().names();
            tracing::warn!(calls, "still open at the deadline");
            ends.cut.cancel();
            let _left_behind = timeout(CUT_WITHIN, serving).await;
        }
    }
}

/// Apart from the runtime's threads, because reading the journal takes its time.
async fn recover(config: &Config, clock: Clock) -> Result<Recovered, ServeError> {
    let (data_dir, terms) = (config.data_dir.clone(), config.terms.clone());
    let (options, now_us) = (config.store, clock.now_us());
    let open = move || {
        let disk = Arc::new(FileDisk::open(&data_dir).map_err(ServeError::Open)?);
        refuse_backup(&*disk, data_dir)?;
        driver::recover(disk, terms, options, now_us).map_err(ServeError::Open)
    };
    tokio::task::spawn_blocking(open)
        .await
        .map_err(|error| ServeError::Broken(format!("recovery ended: {error}")))?
}

/// A data folder has no list of a backup in it.
fn refuse_backup(disk: &dyn Disk, data_dir: PathBuf) -> Result<(), ServeError> {
    let names = disk.list().map_err(|source| {
        ServeError::Open(StoreError::Disk {
            doing: "listing",
            file: data_dir.display().to_string(),
            offset: None,
            source,
        })
    })?;
    let is_list = |name: &String| [BACKUP_LIST, BACKUP_LIST_UNFINISHED].contains(&name.as_str());
    if names.iter().any(is_list) {
        return Err(ServeError::Backup(data_dir));
    }
    Ok(())
}

fn start(
    config: &Config,
    (clock, signers, log_key): (Clock, Signers, Option<LogKey>),
    (recovered, gateway_rate): (Recovered, watch::Receiver<Option<Rate>>),
    (ends, metrics): (&Ends, &Arc<Metrics>),
) -> Result<Running, ServeError> {
    let around = Surroundings {
        clock,
        clock_jump_max_us: config.clock_jump_max_us,
        metrics: Arc::clone(metrics),
        service_desk_url: config.service_desk_url.as_str().into(),
        signers,
        log_key,
        gateway_rate,
        journal_kept_us: Micros::try_from(config.journal_kept.as_micros()).unwrap_or(Micros::MAX),
        draining: ends.stopping.draining.clone(),
        stop: ends.driver.clone(),
    };
    driver::start(recovered, around).map_err(ServeError::Thread)
}

fn context(
    config: &Config,
    (clock, log_key): (Clock, Option<LogKey>),
    running: &Running,
    (ends, metrics, register): (&Ends, Arc<Metrics>, Register),
) -> Context {
    let store = (
        running.blocks.clone(),
        running.reader.clone(),
        running.news.clone(),
    );
    Context {
        intake: Intake::new(config.intake, store, Arc::clone(&metrics)),
        register,
        engine: running.engine.clone(),
        reader: running.reader.clone(),
        backups: Backups::new(
            Arc::clone(&running.disk),
            running.blocks.clone(),
            clock,
            Arc::clone(&metrics),
        ),
        decision_log: DecisionLog::new(clock, log_key, Arc::clone(&metrics)),
        refusals: Refusals::new(clock),
        found: running.news.found.clone(),
        metrics,
        stopping: ends.stopping.clone(),
    }
}

fn scrub(config: &Config, context: &Context) -> impl Future<Output = ()> + use<> {
    let scrub = Scrub {
        reader: context.reader.clone(),
        found: context.found.clone(),
        metrics: Arc::clone(&context.metrics),
        bytes_per_second: config.scrub_bytes_per_second,
    };
    scrub.run(context.stopping.draining.clone())
}

fn server(config: &Config) -> Server {
    Server::builder()
        .max_frame_size(FRAME_BYTES_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_max_header_list_size(config.connections.headers_bytes_max)
        .http2_max_pending_accept_reset_streams(Some(config.connections.resets_pending_max))
        .http2_max_local_error_reset_streams(Some(config.connections.error_resets_max))
        .max_concurrent_streams(config.connections.calls_max)
        .concurrency_limit_per_connection(config.connections.calls_max as usize)
        .http2_keepalive_interval(Some(KEEP_ALIVE_EVERY))
        .http2_keepalive_timeout(Some(KEEP_ALIVE_WITHIN))
}
