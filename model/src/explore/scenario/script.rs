//! The commands of a script, and what each asks of the stage.

use std::error::Error;
use std::str::FromStr;

use crate::action::Trigger;
use crate::cluster::{Cluster, Protocol};
use crate::election::Event;
use crate::types::{Attempt, Beats, Round, ServerId, Term};
use crate::world::Handlers;
use goldenscript::{ArgumentConsumer, Context};

use super::super::setting::Setting;
use super::stage::{Description, Stage};
use super::{PATIENCE, Play, setting};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Runs one script.
pub struct Runner {
    handlers: Handlers,
    stage: Option<Stage>,
    /// The plays before the last one, and where that one began.
    plays: Vec<Play>,
    begun: Option<Setting>,
}

impl Runner {
    /// Plays by these functions.
    pub fn new(handlers: Handlers) -> Self {
        Self { handlers, stage: None, plays: Vec::new(), begun: None }
    }

    /// What was played: one play for each `cluster` of the script.
    pub fn plays(mut self) -> Vec<Play> {
        self.end();
        self.plays
    }

    fn end(&mut self) {
        if let (Some(mut setting), Some(stage)) = (self.begun.take(), self.stage.take()) {
            setting.lost_disks = stage.lost_disks();
            self.plays.push(Play { setting, path: stage.path, end: stage.world });
        }
    }
}

impl goldenscript::Runner for Runner {
    type Command = goldenscript::Command;

    fn run(&mut self, command: &goldenscript::Command, context: &Context) -> Result<String> {
        let mut args = command.consume_args();
        let output = match (command.name.as_str(), self.stage.as_mut()) {
            ("cluster", _) => {
                self.end();
                let setting = begin(&mut args)?;
                let stage = Stage::new(&setting, self.handlers);
                self.begun = Some(setting);
                self.stage.insert(stage).show()
            }
            (name, Some(stage)) => run(stage, name, &mut args)?,
            (_, None) => return Err("a script begins with `cluster`".into()),
        };
        args.reject_next()?;
        if context.tags.contains("brief") {
            let lines = output.lines().filter(|line| !line.starts_with(' '));
            return Ok(lines.map(|line| format!("{line}\n")).collect());
        }
        Ok(output)
    }
}

fn begin(args: &mut ArgumentConsumer<'_>) -> Result<Setting> {
    let size = number(args)?;
    let protocol = args.next_pos().map_or(Ok(Protocol::FIGURE2), str::parse)?;
    let term = args.take_key("term").map_or(Ok(0), str::parse)?;
    let everybody = Cluster::with(size, protocol)?;
    let witness = args.take_key("witness").map(|name| named(everybody, name)).transpose()?;
    let cluster = everybody.with_witnesses(witness.into_iter().collect())?;
    let patience = args.take_key("patience").map_or(Ok(PATIENCE), str::parse)?;
    if patience == 0 {
        return Err("a leader waits for one heartbeat at least".into());
    }
    Ok(setting(cluster, Term::new(term), Beats::new(patience)))
}

fn run(stage: &mut Stage, name: &str, args: &mut ArgumentConsumer<'_>) -> Result<String> {
    match name {
        "timeout" => stage.time_out(server(stage, args)?),
        "restart" => stage.restart(server(stage, args)?),
        "lose-disk" => stage.lose_disk(server(stage, args)?),
        "hear-term" => {
            let (id, from) = (server(stage, args)?, server(stage, args)?);
            stage.hear_term(id, from)
        }
        "hand-over" => {
            let (from, to) = (server(stage, args)?, server(stage, args)?);
            stage.step(from, Trigger::Event(Event::HandOver { to }))
        }
        "deliver" => stage.deliver(&description(stage, args)?),
        "duplicate" => stage.duplicate(&description(stage, args)?),
        "drop" => stage.lose(&description(stage, args)?),
        "deliver-all" => stage.deliver_all(),
        "drop-all" => Ok(stage.lose_all()),
        "cut" | "cut-links" | "cut-way" | "mend-way" | "deafen" | "heal" => {
            change_links(stage, name, args)
        }
        "show" => Ok(stage.show()),
        _ => expect(stage, name, args),
    }
}

/// Who hears whom from now on; nothing is told of it.
fn change_links(stage: &mut Stage, name: &str, args: &mut ArgumentConsumer<'_>) -> Result<String> {
    match name {
        "cut" => stage.cut(&servers(stage, args)?),
        "cut-links" => stage.cut_links(&servers(stage, args)?),
        "cut-way" | "mend-way" => {
            let (from, to) = (server(stage, args)?, server(stage, args)?);
            if name == "cut-way" { stage.cut_way(from, to) } else { stage.mend_way(from, to) }
        }
        "deafen" => stage.deafen(server(stage, args)?),
        _ => stage.heal(),
    }
    Ok(String::new())
}

fn expect(stage: &Stage, name: &str, args: &mut ArgumentConsumer<'_>) -> Result<String> {
    match name {
        "expect-leader" => expect_leaders(stage, &[server(stage, args)?]),
        "expect-no-leader" => expect_leaders(stage, &[]),
        "expect-lease" => expect_leases(stage, &[server(stage, args)?]),
        "expect-no-lease" => expect_leases(stage, &[]),
        "expect-term" => {
            let term = Term::new(number(args)?);
            let mut servers = stage.cluster().servers();
            let elsewhere = servers.find(|&id| stage.state(id).ballot.current_term != term);
            claim(elsewhere.is_none(), || format!("not everybody is in term {term}"), stage)
        }
        "expect-messages" => {
            let (most, sent) = (number(args)?, stage.sent());
            claim(sent <= most, || format!("{sent} messages were sent"), stage)
        }
        _ => Err(format!("there is no command {name}").into()),
    }
}

fn expect_leaders(stage: &Stage, expected: &[ServerId]) -> Result<String> {
    let leaders = stage.leaders();
    claim(leaders == expected, || format!("the leaders are {leaders:?}"), stage)
}

fn expect_leases(stage: &Stage, expected: &[ServerId]) -> Result<String> {
    let leases = stage.leases();
    claim(leases == expected, || format!("valid leases are those of {leases:?}"), stage)
}

/// A claim that holds or fails whatever the generated output says.
fn claim(holds: bool, truth: impl Fn() -> String, stage: &Stage) -> Result<String> {
    if holds { Ok(String::new()) } else { Err(format!("{}\n{}", truth(), stage.show()).into()) }
}

fn number<T: FromStr<Err: Error + 'static>>(args: &mut ArgumentConsumer<'_>) -> Result<T> {
    Ok(args.next_pos().ok_or("a number is missing")?.parse()?)
}

fn server(stage: &Stage, args: &mut ArgumentConsumer<'_>) -> Result<ServerId> {
    named(stage.cluster(), args.next_pos().ok_or("a server is missing")?)
}

/// One server, and all that are named after it.
fn servers(stage: &Stage, args: &mut ArgumentConsumer<'_>) -> Result<Vec<ServerId>> {
    let mut servers = vec![server(stage, args)?];
    while let Some(name) = args.next_pos() {
        servers.push(named(stage.cluster(), name)?);
    }
    Ok(servers)
}

fn named(cluster: Cluster, name: &str) -> Result<ServerId> {
    let found = cluster.servers().find(|server| server.to_string() == name);
    found.ok_or_else(|| format!("there is no server {name}").into())
}

fn description(stage: &Stage, args: &mut ArgumentConsumer<'_>) -> Result<Description> {
    Ok(Description {
        from: server(stage, args)?,
        to: server(stage, args)?,
        name: args.next_pos().ok_or("a message is missing")?.to_owned(),
        term: args.take_key("term").map(str::parse).transpose()?.map(Term::new),
        round: args.take_key("round").map(str::parse).transpose()?.map(Round::new),
        attempt: args.take_key("attempt").map(str::parse).transpose()?.map(Attempt::new),
        vote_granted: match args.take_key("vote") {
            None => None,
            Some("granted") => Some(true),
            Some("refused") => Some(false),
            Some(other) => return Err(format!("a vote is granted or refused, not {other}").into()),
        },
    })
}
