//! The packaged `StatefulSet`, without Kubernetes: each pod is a process with its own address,
//! started by the command that stands there, and asked by its probes.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use raft_node::session::{Key, Keys, file};
use support::binary::mortal;
use support::browser::eventually;
use support::network::own_ip;
use support::node::raft_node;
use support::web::agent;
use tempfile::TempDir;
use yaml_rust2::{Yaml, YamlLoader};

/// The pods of the set. They end with this value.
struct Pods {
    container: Yaml,
    ips: Vec<IpAddr>,
    running: Vec<Option<Child>>,
    folder: TempDir,
}

impl Pods {
    fn start() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("impl/packaging/statefulset.yaml");
        let text = fs::read_to_string(path).unwrap();
        let documents = YamlLoader::load_from_str(&text).unwrap();
        let set = documents.iter().find(|it| it["kind"].as_str() == Some("StatefulSet")).unwrap();
        let container = set["spec"]["template"]["spec"]["containers"][0].clone();
        let replicas = set["spec"]["replicas"].as_i64().unwrap();
        let ips = (0..replicas).map(|_| own_ip()).collect();
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key/cluster-key");
        fs::create_dir(key.parent().unwrap()).unwrap();
        file::create(&key, &Keys::one(Key::random().unwrap())).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o440)).unwrap();
        let mut pods = Self { container, ips, running: Vec::new(), folder };
        for pod in 0..pods.ips.len() {
            let child = pods.run(pod);
            pods.running.push(Some(child));
        }
        pods
    }

    /// Runs the command of a container, with what Kubernetes would have put in its place: names,
    /// an address of the pod's own, a volume of its own.
    fn run(&self, pod: usize) -> Child {
        let words = |key: &str| self.container[key].as_vec().unwrap().iter();
        let mut words: Vec<_> = words("command")
            .chain(words("args"))
            .map(|it| it.as_str().unwrap().to_owned())
            .collect();
        let script = words.last_mut().unwrap();
        let mut put = |before: &str, now: &str| {
            assert!(script.contains(before), "{before} is not in the command: {script}");
            *script = script.replace(before, now);
        };
        for (number, ip) in self.ips.iter().enumerate() {
            put(&format!("orders-{number}.orders:"), &format!("{ip}:"));
        }
        put("0.0.0.0:", &format!("{}:", self.ips[pod]));
        let volume = self.container["volumeMounts"][0]["mountPath"].as_str().unwrap();
        let own = self.folder.path().join(pod.to_string());
        fs::create_dir_all(&own).unwrap();
        put(volume, own.to_str().unwrap());
        script.truncate(script.trim_end().len());
        script.push_str(" --bootstrap"); // the first start, as its comment says
        let mut command = mortal("KILL");
        command.args(words).env("HOSTNAME", format!("orders-{pod}"));
        command.envs([self.credentials()]);
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", raft_node().parent().unwrap().display()));
        command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The variable by which it finds its key: in a volume, which the group of the pod may read.
    fn credentials(&self) -> (String, PathBuf) {
        let variable = &self.container["env"][0];
        let mounts = self.container["volumeMounts"].as_vec().unwrap();
        assert!(mounts.iter().any(|it| it["mountPath"] == variable["value"]), "it is a volume");
        (variable["name"].as_str().unwrap().to_owned(), self.folder.path().join("key"))
    }

    /// The code that a probe of a pod is answered with, in the time that it allows.
    fn probe(&self, pod: usize, probe: &str) -> Option<u16> {
        let (probe, ports) = (&self.container[probe], &self.container["ports"]);
        let get = &probe["httpGet"];
        let port = ports.as_vec().unwrap().iter().find(|it| it["name"] == get["port"]).unwrap();
        let port = u16::try_from(port["containerPort"].as_i64().unwrap()).unwrap();
        let at = SocketAddr::new(self.ips[pod], port);
        let time =
            Duration::from_secs(probe["timeoutSeconds"].as_i64().unwrap().try_into().unwrap());
        let answer =
            agent(time).get(format!("http://{at}{}", get["path"].as_str().unwrap())).call();
        Some(answer.ok()?.status().as_u16())
    }

    /// Waits until the probe of each of these pods is answered with that.
    #[track_caller]
    fn all(&self, pods: &[usize], probe: &str, wanted: Option<u16>) {
        eventually(&format!("{probe} of {pods:?}: {wanted:?}"), || {
            let said: Vec<_> = pods.iter().map(|&pod| self.probe(pod, probe)).collect();
            if said.iter().all(|&it| it == wanted) { Ok(()) } else { Err(format!("{said:?}")) }
        });
    }

    fn kill(&mut self, pod: usize) {
        let mut child = self.running[pod].take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Drop for Pods {
    fn drop(&mut self) {
        for child in self.running.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn pods_are_ready_while_they_lead_or_follow_and_alive_while_they_run() {
    let mut pods = Pods::start();
    pods.all(&[0, 1, 2], "readinessProbe", Some(200));
    pods.all(&[0, 1, 2], "livenessProbe", Some(200));
    let text = agent(Duration::from_secs(5))
        .get(format!("http://{}:8080/status", pods.ips[0]))
        .call()
        .unwrap()
        .body_mut()
        .read_to_string()
        .unwrap();
    assert!(text.contains(r#""authentication":"key""#), "{text}");
    pods.kill(1);
    pods.kill(2);
    pods.all(&[0], "readinessProbe", Some(503));
    pods.all(&[0], "livenessProbe", Some(200));
    pods.all(&[1, 2], "livenessProbe", None);
}
