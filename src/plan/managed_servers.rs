//! Servers that the gate starts itself: the commands, and the ports that they are given.

use std::net::TcpListener;

use super::{Error, Options};

/// A server that is started by the gate, on a port of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// What a shell runs.
    pub command: String,
    /// The port that it gets in `LOADGATE_PORT`.
    pub port: u16,
    /// What a shell runs before the server is first started.
    pub build: Option<String>,
    /// The Git revision that is checked out for it; none for the folder that loadgate runs in.
    pub revision: Option<String>,
}

/// The servers of a run and how they are treated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManagedServers {
    /// The deployment under test; none where it is there already.
    pub target: Option<Server>,
    /// The base; none where it is there already, or where there is none.
    pub base: Option<Server>,
    /// The path that responds below 400 once a deployment is ready. Without one a started server must open its port.
    pub ready: Option<String>,
    /// Pairs of a duet after which the servers are started anew; never where 0.
    pub restart_every: u32,
}

impl ManagedServers {
    pub(super) fn new(options: &Options) -> Result<Self, Error> {
        let commands = [
            (
                &options.target_cmd,
                &options.target,
                "--target",
                "--target-cmd",
            ),
            (
                &options.base_cmd,
                &options.against,
                "--against",
                "--base-cmd",
            ),
        ];
        for (command, address, one, other) in commands {
            if command.is_some() && address.is_some() {
                return Err(Error::Both { one, other });
            }
        }
        if let Some(path) = options.ready.as_ref().filter(|path| !path.starts_with('/')) {
            return Err(Error::ReadyPath(path.clone()));
        }
        let server = |command: &Option<String>| {
            let command = command.clone();
            command.map(Server::new).transpose()
        };
        Ok(Self {
            target: server(&options.target_cmd)?,
            base: server(&options.base_cmd)?,
            ready: options.ready.clone(),
            restart_every: options.restart_every.unwrap_or(1),
        })
    }
}

impl ManagedServers {
    /// Whether servers are started anew between the pairs of a duet.
    pub fn restarts(&self) -> bool {
        self.restart_every > 0 && (self.target.is_some() || self.base.is_some())
    }
}

impl Server {
    /// A server on a port that is free now.
    pub(super) fn new(command: String) -> Result<Self, Error> {
        Ok(Self {
            command,
            port: free_port()?,
            build: None,
            revision: None,
        })
    }

    /// Where it will be.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// A port of this machine that nobody uses right now.
fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(Error::NoPort)?;
    Ok(listener.local_addr().map_err(Error::NoPort)?.port())
}
