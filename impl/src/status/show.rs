//! A status for people: lines of at most 80 columns.

use std::fmt;
use std::time::Duration;

use super::Status;
use super::report::{Election, Peer, Report};
use crate::clock::Moment;

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Report::new(self, Moment::now()).fmt(f)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, servers, role, term, protocol, .. } = self;
        match self.leader {
            Some(leader) if self.is_leader() && leader == *server => {
                writeln!(f, "{server} leads in term {term}.")?;
            }
            Some(leader) => writeln!(f, "{server} is a {role} in term {term}; {leader} leads.")?,
            None => writeln!(f, "{server} is a {role} in term {term}; it knows no leader.")?,
        }
        match &self.leadership {
            Some(lease) => writeln!(
                f,
                "Leadership    valid for {}, fencing token {}",
                time(lease.left_us),
                lease.fencing_token
            )?,
            None => writeln!(f, "Leadership    none to act on")?,
        }
        let contact = if self.in_contact { ", in contact with a leader" } else { "" };
        match self.voted_for {
            Some(vote) => writeln!(f, "Vote          for {vote}{contact}")?,
            None => writeln!(f, "Vote          not given{contact}")?,
        }
        write!(f, "Cluster       {servers} servers, {protocol}")?;
        if !self.witnesses.is_empty() {
            let names: Vec<_> = self.witnesses.iter().map(ToString::to_string).collect();
            write!(f, "; never leads: {}", names.join(", "))?;
        }
        writeln!(f)?;
        if !self.peers.is_empty() {
            writeln!(f, "\npeer  heard           round trip      answered    rejected")?;
            self.peers.iter().try_for_each(|peer| peer.fmt(f))?;
            if !self.is_leader() {
                writeln!(f, "      only a leader is answered by all of them, all the time")?;
            }
            for Peer { server, went_back, .. } in self.peers.iter().filter(|it| it.went_back > 0) {
                let server = server.to_string();
                writeln!(
                    f,
                    "{server:4}  {went_back} messages of an earlier run came after a later one"
                )?;
            }
        }
        self.counts(f)
    }
}

impl Report {
    fn counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { datagrams, elections, stalls, .. } = self;
        writeln!(f, "\nElections     campaigned: {}, won: {}", elections.campaigns, elections.won)?;
        for Election { term, leader, known_us_ago } in &elections.last {
            writeln!(f, "              {leader} in term {term}, {} ago", time(*known_us_ago))?;
        }
        writeln!(f, "Datagrams     {} sent, {} received", datagrams.sent, datagrams.received)?;
        match self.keys.as_slice() {
            [] => writeln!(f, "              not authenticated: {}", self.authentication)?,
            keys => writeln!(f, "              authenticated by key {}", keys.join(", also "))?,
        }
        if datagrams.not_sent + datagrams.errors > 0 {
            let (sent, received) = (datagrams.not_sent, datagrams.errors);
            writeln!(f, "              {sent} not sent, {received} errors instead of one")?;
        }
        for (reason, count) in &datagrams.rejected {
            writeln!(f, "              {count} rejected: {reason}")?;
        }
        if stalls.late_timers + stalls.slow_saves > 0 {
            let (late, slow, longest) =
                (stalls.late_timers, stalls.slow_saves, time(stalls.longest_us));
            writeln!(f, "Held up       late timers: {late}, slow saves: {slow}")?;
            writeln!(f, "              for {longest} at most")?;
        }
        Ok(())
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, heard_us_ago, round_trip_us, answered, rejected, .. } = self;
        let heard = heard_us_ago.map_or("never".into(), |ago| format!("{} ago", time(ago)));
        let round_trip = round_trip_us.map_or("-".into(), time);
        let server = server.to_string();
        writeln!(f, "{server:4}  {heard:14}  {round_trip:10}  {answered:>12}  {rejected:>10}")
    }
}

/// So many microseconds, in the unit that people would use.
fn time(microseconds: u64) -> String {
    let seconds = Duration::from_micros(microseconds).as_secs();
    match seconds {
        0 if microseconds < 1_000 => format!("{microseconds} us"),
        0 if microseconds < 10_000 => {
            format!("{}.{} ms", microseconds / 1_000, microseconds % 1_000 / 100)
        }
        0 => format!("{} ms", microseconds / 1_000),
        1..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn a_time_has_the_unit_that_people_would_use() {
        let shown = [
            (0, "0 us"),
            (999, "999 us"),
            (1_000, "1.0 ms"),
            (9_999, "9.9 ms"),
            (10_000, "10 ms"),
            (999_999, "999 ms"),
            (1_000_000, "1 s"),
            (119_999_999, "119 s"),
            (120_000_000, "2 min"),
            (7_199_999_999, "119 min"),
            (7_200_000_000, "2 h"),
            (172_799_999_999, "47 h"),
            (172_800_000_000, "2 days"),
        ];
        assert_eq!(shown.map(|(us, _)| time(us)), shown.map(|(_, text)| text.to_owned()));
    }
}
