//! Options of the IP header: one that asks for the route, one for the time,
//! one that is wrong, and one that leads on from here.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use log::{debug, info};
use step03_ip::device::Devices;
use step03_ip::env::Env;
use step03_ip::ethertype::EtherType;
use step03_ip::ip::{
    Cidr, Datagram, DeliveryError, ErrorReporter, Interfaces, Ip, IpInput, IpProtocol, Options,
    Parameters, Upper,
};
use step03_ip::net::Net;
use step03_ip::packet::Packet;
use step03_ip::protocol::Protocols;
use step03_ip::{cli, loopback};

/// A protocol for experiments (RFC 3692).
const EXPERIMENT: IpProtocol = IpProtocol(253);

/// Shows what an answer would carry, as an echo does.
struct Experiment(Arc<Env>);

// ANCHOR: experiment
impl Upper for Experiment {
    fn input(&mut self, datagram: Datagram<'_>) {
        let own = datagram.specific_dst();
        let asked = Options::new(datagram.options()).unwrap_or_default();
        let answer = asked.reflect(own, self.0.unix_time());
        debug!(target: "experiment::input", "asked:  {:02x?}", &*asked);
        debug!(target: "experiment::input", "answer: {:02x?}", &*answer);
    }
}

/// Says what would be reported to the sender.
struct Reports;

impl ErrorReporter for Reports {
    fn report(&mut self, error: DeliveryError, _: Datagram<'_>) {
        debug!(target: "experiment::report", "{error:?}");
    }
}
// ANCHOR_END: experiment

fn main() -> ExitCode {
    cli::scene("options", "Options of the IP header.", |env| {
        let mut devices = Devices::new(env);
        let device = loopback::init(&mut devices);
        let mut interfaces = Interfaces::new();
        interfaces.register(&device, Cidr::new(Ipv4Addr::LOCALHOST, 8)?)?;
        let ip = Arc::new(Ip::new(env, &Arc::new(interfaces)));
        let mut ip_input = IpInput::new(&ip).error_reporter(Reports);
        ip_input.register(EXPERIMENT, Experiment(Arc::clone(env)))?;
        let mut protocols = Protocols::new();
        protocols.register(EtherType::IP, ip_input)?;
        let mut net = Net::new(env, devices, protocols);

        net.open()?;
        let me = Ipv4Addr::LOCALHOST;
        let asked: [(&str, &[u8]); 4] = [
            ("which way?", &[7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0]),
            ("at what time?", &[68, 8, 5, 0, 0, 0, 0, 0]),
            ("a pointer to itself", &[7, 7, 3, 0, 0, 0, 0]),
            ("a way that leads on", &[131, 7, 4, 203, 0, 113, 1]),
        ];
        for (what, options) in asked {
            info!("{what}");
            let parameters = Parameters {
                options: Options::new(options)?,
                ..Parameters::default()
            };
            ip.output_with(&parameters, EXPERIMENT, me, me, Packet::new(b"payload"))?;
            net.step();
            env.advance(Duration::from_secs(1));
        }
        net.close();
        Ok(())
    })
}
