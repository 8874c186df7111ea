//! The requests of a run one by one, as the file beside `result.json` holds them: CSV, compressed with gzip.

use std::collections::HashMap;
use std::io::{self, Read, Write};

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};

use super::RunInfo;
use crate::measurement::{Arm, RequestId, SentRequest, SentTrace, TraceRoot};

/// The largest file that is read, unpacked, in bytes: some ten million requests.
const LARGEST: u64 = 1 << 30;

const COLUMNS: [&str; 9] = [
    "id",
    "arm",
    "slice",
    "request",
    "status",
    "succeeded",
    "service_us",
    "latency_us",
    "trace",
];

/// A file of requests that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SentError {
    /// Not the file that loadgate writes.
    #[error("{file} is not a file of requests that loadgate wrote: {what}")]
    Broken {
        /// The file.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// The file of another run.
    #[error(
        "{file} has the requests of another run; put back the one that was beside this result, or remove it"
    )]
    OtherRun {
        /// The file.
        file: String,
    },
}

/// The name of a run's file before it was packed, which gzip keeps. The id of a CI run is that of several gates.
fn name(run: &RunInfo) -> String {
    format!("requests-{}-{}.csv", run.started.as_millisecond(), run.seed)
}

/// Writes the requests of a run, and the traces of those that have one.
pub fn write_sent(
    run: &RunInfo,
    (sent, traces): (&[SentRequest], &[SentTrace]),
    into: impl Write,
) -> io::Result<()> {
    let traces: HashMap<RequestId, TraceRoot> =
        traces.iter().map(|one| (one.id, one.root)).collect();
    let packed = GzBuilder::new()
        .filename(name(run))
        .write(into, Compression::fast());
    let mut csv = csv::Writer::from_writer(packed);
    csv.write_record(COLUMNS)?;
    for one in sent {
        let arm = match one.arm {
            Arm::Target => "target",
            Arm::Base => "base",
        };
        csv.write_record([
            &one.id.to_string(),
            arm,
            &one.slice.to_string(),
            &one.request.to_string(),
            &one.status.to_string(),
            &u8::from(one.succeeded).to_string(),
            &one.service_us.to_string(),
            &one.latency_us.to_string(),
            &traces
                .get(&one.id)
                .map(TraceRoot::to_string)
                .unwrap_or_default(),
        ])?;
    }
    let packed = csv.into_inner().map_err(csv::IntoInnerError::into_error)?;
    packed.finish()?.flush()
}

/// Reads the requests of a run and their traces; `file` names them in errors. Safe on hostile bytes.
pub fn read_sent(
    run: &RunInfo,
    file: &str,
    from: impl Read,
) -> Result<(Vec<SentRequest>, Vec<SentTrace>), SentError> {
    let broken = |what: String| SentError::Broken {
        file: file.to_owned(),
        what,
    };
    let unpacked = GzDecoder::new(from);
    let packed_as = unpacked.header().map(|header| header.filename());
    if packed_as.is_some_and(|packed_as| packed_as != Some(name(run).as_bytes())) {
        return Err(SentError::OtherRun {
            file: file.to_owned(),
        });
    }
    let mut csv = csv::Reader::from_reader(unpacked.take(LARGEST));
    let columns = csv.headers().map_err(|error| broken(error.to_string()))?;
    if columns != COLUMNS.as_slice() {
        return Err(broken(format!("its columns are not {}", COLUMNS.join(","))));
    }
    let (mut sent, mut traces) = (Vec::new(), Vec::new());
    for row in csv.records() {
        let row = row.map_err(|error| broken(error.to_string()))?;
        let line = row.position().map_or(0, csv::Position::line);
        let one = request(&row).ok_or_else(|| broken(format!("line {line} is not a request")))?;
        let root = row.get(8).and_then(TraceRoot::parse);
        traces.extend(root.map(|root| SentTrace { id: one.id, root }));
        sent.push(one);
    }
    Ok((sent, traces))
}

fn request(row: &csv::StringRecord) -> Option<SentRequest> {
    Some(SentRequest {
        id: RequestId::parse(row.get(0)?)?,
        arm: match row.get(1)? {
            "target" => Arm::Target,
            "base" => Arm::Base,
            _ => return None,
        },
        slice: row.get(2)?.parse().ok()?,
        request: row.get(3)?.parse().ok()?,
        status: row.get(4)?.parse().ok()?,
        succeeded: match row.get(5)? {
            "1" => true,
            "0" => false,
            _ => return None,
        },
        service_us: row.get(6)?.parse().ok()?,
        latency_us: row.get(7)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::samples::record;

    fn run() -> RunInfo {
        record().build().run
    }

    #[test]
    fn requests_are_read_as_they_were_written() {
        let one = |id: &str, arm| SentRequest {
            id: RequestId::parse(id).unwrap(),
            arm,
            status: 200,
            request: 3,
            slice: 7,
            service_us: 1_234,
            latency_us: 2_345,
            succeeded: true,
        };
        let sent = vec![
            one("24ad3a6f-9f3e-4c55-8f6a-0123456789ab", Arm::Target),
            one("ALt0lgP-IAMEZPA=", Arm::Base),
            SentRequest {
                status: 500,
                succeeded: false,
                ..one("x", Arm::Target)
            },
        ];
        let mut file = Vec::new();
        let traces = vec![SentTrace {
            id: sent[1].id,
            root: TraceRoot::new(0x66d9_78e5, [7; 12]),
        }];
        let run = run();
        write_sent(&run, (&sent, &traces), &mut file).unwrap();
        assert_eq!(read_sent(&run, "x", &file[..]).unwrap(), (sent, traces));
    }

    #[test]
    fn the_file_of_another_run_is_refused() {
        let ours = run();
        let later = RunInfo {
            started: ours.started + jiff::SignedDuration::from_secs(1),
            ..run()
        };
        let other_seed = RunInfo { seed: 2, ..run() };
        for other in [later, other_seed] {
            let mut file = Vec::new();
            write_sent(&other, (&[], &[]), &mut file).unwrap();
            let error = read_sent(&ours, "x.csv.gz", &file[..]).unwrap_err();
            assert!(
                error
                    .to_string()
                    .starts_with("x.csv.gz has the requests of another run")
            );
        }
    }

    #[test]
    fn other_files_are_refused_with_the_line() {
        let packed = |text: &str| {
            let packed = GzBuilder::new().filename(name(&run()));
            let mut packed = packed.write(Vec::new(), Compression::fast());
            packed.write_all(text.as_bytes()).unwrap();
            packed.finish().unwrap()
        };
        let header = COLUMNS.join(",");
        for (bytes, what) in [
            (b"no gzip at all, but long enough".to_vec(), "gzip"),
            (packed("a,b\n1,2\n"), "columns"),
            (
                packed(&format!("{header}\nx,target,1,2,200,2,3,4,\n")),
                "line 2",
            ),
            (packed(&format!("{header}\nx,target,1\n")), "line: 2"),
        ] {
            let error = read_sent(&run(), "x.csv.gz", &bytes[..])
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with("x.csv.gz") && error.contains(what),
                "{error}"
            );
        }
    }
}
