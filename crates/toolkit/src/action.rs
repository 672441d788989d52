// SPDX-License-Identifier: Apache-2.0
//! One definition of an action: its command line, its environment interface, and the data from
//! which `action.yml` and the reference page are generated.

use crate::{Failure, OutputDefinition, Outputs, PassEnv, Result, Runner, Secret, Status, StepFailure, supervisor};
use clap::builder::Resettable;
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};
use serde::Serialize;
use std::any::TypeId;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

/// The help heading of flags that are no inputs of the action.
pub const CLI_ONLY: &str = "On the command line only";

/// An action: inputs, outputs and what it does.
pub trait Action {
    /// The name in `uses:`, in kebab case.
    const NAME: &'static str;
    /// The name that people see.
    const TITLE: &'static str;
    /// One sentence.
    const DESCRIPTION: &'static str;
    /// The inputs: a clap struct of long flags. The first paragraph of a field's doc comment is
    /// the input's description.
    type Args: clap::Args;
    /// The outputs.
    type Outputs: Outputs;

    /// Does the work.
    fn run(args: Self::Args, runner: &Runner) -> Result<Self::Outputs>;
}

/// Everything about an action that its `action.yml` and its reference page say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Definition {
    /// The name in `uses:`.
    pub name: &'static str,
    /// The name that people see.
    pub title: &'static str,
    /// One sentence.
    pub description: &'static str,
    /// The inputs in the order of declaration.
    pub inputs: Vec<InputDefinition>,
    /// The outputs in the order of declaration.
    pub outputs: Vec<OutputDefinition>,
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InputDefinition {
    /// The name in `with:`.
    pub name: String,
    /// The environment variable that carries it.
    pub variable: String,
    /// What it means.
    pub description: String,
    /// Its value when absent.
    pub default: Option<String>,
    /// Whether the action refuses to run without it.
    pub required: bool,
    /// Whether it is a credential.
    pub secret: bool,
}

/// Runs an action as a process: the whole of its `main`.
pub fn main<A: Action>() -> ExitCode {
    supervisor::protect_process();
    let runner = Runner::detect();
    main_with::<A>(&runner, std::env::args_os())
}

/// The name of an action and the whole of its `main`.
type Named = (&'static str, fn() -> ExitCode);

/// The whole `main` of an executable that several actions share: the name that it is started by decides.
/// Each is a pair of [`Action::NAME`] and [`main`] for it.
pub fn main_by_name(actions: &[Named]) -> ExitCode {
    let started = std::env::args_os().next().unwrap_or_default();
    match choose(&started, actions) {
        Ok(main) => main(),
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(Status::Input.code())
        }
    }
}

fn choose(started: &OsStr, actions: &[Named]) -> std::result::Result<fn() -> ExitCode, String> {
    let name = Path::new(started).file_name().unwrap_or_default().to_string_lossy();
    let chosen = actions.iter().find(|(action, _)| name.strip_prefix("vaccel-") == Some(action));
    chosen.map(|(_, main)| *main).ok_or_else(|| {
        let names: Vec<_> = actions.iter().map(|(action, _)| format!("vaccel-{action}")).collect();
        format!("this is {}; start it by one of these names", names.join(" and "))
    })
}

/// The same with a runner and arguments of the caller's, for an executable that does more than one thing; the first
/// argument is the name that it was started by.
pub fn main_with<A: Action>(runner: &Runner, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command = with_environment(command::<A>(), |name| runner.env(name).is_some());
    let secrets: Vec<String> =
        command.get_arguments().filter(|arg| is_secret(arg)).map(|a| a.get_id().to_string()).collect();
    let passed: Vec<String> =
        command.get_arguments().filter(|arg| parses::<PassEnv>(arg)).map(|a| a.get_id().to_string()).collect();
    let arguments = with_command(&command, arguments.into_iter().collect());
    let result =
        command.try_get_matches_from(arguments).map_err(|error| usage_failure(runner, &error)).and_then(|matches| {
            mask_secrets(runner, &matches, &secrets);
            for id in &passed {
                matches.try_get_one::<PassEnv>(id).ok().flatten().into_iter().for_each(PassEnv::apply);
            }
            let args = A::Args::from_arg_matches(&matches).map_err(|error| usage_failure(runner, &error))?;
            let result = A::run(args, runner);
            // What the action reports is worth more than what the clean-up does.
            let finished = runner.finish();
            result
                .and_then(|outputs| finished.map_err(Failure::from).and_then(|()| runner.outputs(&outputs)))
                .map_err(Some)
        });
    match result {
        Ok(()) | Err(None) => ExitCode::SUCCESS,
        Err(Some(failure)) => {
            runner.fail(A::TITLE, &failure);
            StepFailure::record(runner, A::NAME, &failure);
            ExitCode::from(failure.status().code())
        }
    }
}

/// An action that has several commands takes them as an input, which a person writes as the first word.
fn with_command(command: &Command, mut arguments: Vec<OsString>) -> Vec<OsString> {
    let has_command = command.get_arguments().any(|arg| long_name(arg) == "command");
    if let Some(word) = arguments.get_mut(1).filter(|word| has_command && !word.to_string_lossy().starts_with('-')) {
        let mut flag = OsString::from("--command=");
        flag.push(&*word);
        *word = flag;
    }
    arguments
}

/// The definition, for generated files.
pub fn definition<A: Action>() -> Definition {
    let command = command::<A>();
    let inputs = command.get_arguments().filter(|arg| is_input(arg)).map(|arg| {
        let default: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        InputDefinition {
            name: long_name(arg).to_owned(),
            variable: variable_name(long_name(arg)),
            description: sentence(arg),
            default: (!default.is_empty()).then(|| default.join(",")),
            required: arg.is_required_set(),
            secret: is_secret(arg),
        }
    });
    Definition {
        name: A::NAME,
        title: A::TITLE,
        description: A::DESCRIPTION,
        inputs: inputs.collect(),
        outputs: A::Outputs::definitions(),
    }
}

/// The command line without the environment.
fn command<A: Action>() -> Command {
    let command = <A::Args as clap::Args>::augment_args(Command::new(format!("vaccel-{}", A::NAME)));
    // `--version` of an action that has such an input is the input.
    let has_version = command.get_arguments().any(|arg| long_name(arg) == "version");
    // After the inputs, whose struct has a comment of its own that clap would take.
    command
        .disable_version_flag(has_version)
        .about(A::DESCRIPTION)
        .long_about(None::<&str>)
        .version(env!("CARGO_PKG_VERSION"))
        .mut_args(accept_true_and_false)
}

/// Booleans are written as in a workflow, `--flag=true`; a bare `--flag` means true.
fn accept_true_and_false(arg: Arg) -> Arg {
    if !matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::Set) || !parses::<bool>(&arg) {
        return arg;
    }
    // A plain flag is false when absent; an `Option<bool>` stays absent.
    let default = matches!(arg.get_action(), ArgAction::SetTrue)
        .then(|| arg.get_default_values().first().map_or_else(|| "false".into(), OsString::from));
    arg.action(ArgAction::Set)
        .value_parser(clap::value_parser!(bool))
        .value_name("true|false")
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .default_value(default.map_or(Resettable::Reset, |value| Resettable::Value(value.into())))
        .hide_possible_values(true)
}

/// Connects each input with its variable, if that has a value; GitHub sets unset inputs to nothing.
fn with_environment(command: Command, is_set: impl Fn(&str) -> bool) -> Command {
    command.mut_args(|arg| {
        if !is_input(&arg) {
            return arg;
        }
        let variable = variable_name(long_name(&arg));
        let arg = arg.hide_env_values(true);
        if is_set(&variable) { arg.env(variable) } else { arg.env(Resettable::Reset) }
    })
}

fn is_input(arg: &Arg) -> bool {
    arg.get_long().is_some() && arg.get_help_heading() != Some(CLI_ONLY)
}

/// The first paragraph of the doc comment; clap takes its final stop away.
fn sentence(arg: &Arg) -> String {
    let text = arg.get_help().map(|help| help.to_string().replace('\n', " ")).unwrap_or_default();
    if text.is_empty() || text.ends_with(['.', '?', '!', ':']) { text } else { format!("{text}.") }
}

fn is_secret(arg: &Arg) -> bool {
    parses::<Secret>(arg)
}

fn parses<T: 'static>(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<T>()
}

fn long_name(arg: &Arg) -> &str {
    arg.get_long().unwrap_or_default()
}

fn variable_name(long: &str) -> String {
    format!("INPUT_{}", long.to_uppercase().replace('-', "_"))
}

fn mask_secrets(runner: &Runner, matches: &ArgMatches, ids: &[String]) {
    for id in ids {
        for secret in matches.try_get_many::<Secret>(id).ok().flatten().into_iter().flatten() {
            runner.mask(secret.expose());
        }
    }
}

/// `None` for `--help` and `--version`, which are no failures and have been printed here.
fn usage_failure(runner: &Runner, error: &clap::Error) -> Option<Failure> {
    use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
    if matches!(error.kind(), DisplayHelp | DisplayVersion) {
        if runner.is_github() {
            runner.info(&error.to_string());
        } else {
            let _ = error.print();
        }
        return None;
    }
    let text = error.to_string();
    let message = text.trim().trim_start_matches("error: ");
    // clap's usage lines speak of the command line; its first paragraph says what is wrong.
    let (message, _) = message.split_once("\n\nUsage:").unwrap_or((message, ""));
    let message = message.split("\n\nFor more information").next().unwrap_or(message);
    Some(Failure::input(message.trim_end()).help("see --help, or the action's README"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Greet;

    /// Inputs.
    #[derive(clap::Args, Debug)]
    struct GreetArgs {
        /// Whom to greet.
        ///
        /// More for `--help` readers.
        #[arg(long)]
        who: String,
        /// How often.
        #[arg(long, default_value_t = 1)]
        count: u32,
        /// Loudly.
        #[arg(long, default_value_t = false)]
        loud: bool,
        /// With a bow.
        #[arg(long, default_value_t = true)]
        bow: bool,
        /// The key.
        #[arg(long)]
        secret_key: Option<Secret>,
        /// List the people.
        #[arg(long, help_heading = CLI_ONLY)]
        list: bool,
    }

    crate::outputs! {
        /// Outputs.
        pub struct GreetOutputs {
            /// What was said.
            pub said: String,
        }
    }

    impl Action for Greet {
        const NAME: &'static str = "greet";
        const TITLE: &'static str = "Greet";
        const DESCRIPTION: &'static str = "Greets.";
        type Args = GreetArgs;
        type Outputs = GreetOutputs;

        fn run(args: GreetArgs, runner: &Runner) -> Result<GreetOutputs> {
            let said = format!("{} {} {} {} {}", args.who, args.count, args.loud, args.bow, args.list);
            runner.info(&said);
            Ok(GreetOutputs { said })
        }
    }

    fn run(arguments: &[&str]) -> (ExitCode, String) {
        let (runner, recording) = Runner::recording([("GITHUB_ACTIONS", "true")]);
        let arguments = std::iter::once("greet").chain(arguments.iter().copied()).map(OsString::from);
        (main_with::<Greet>(&runner, arguments), recording.text())
    }

    #[test]
    fn the_name_decides_among_shared_actions() {
        let actions: [Named; 2] = [("greet", || ExitCode::SUCCESS), ("part", || ExitCode::from(7))];
        let cases = [
            ("/x/dist/x86_64/vaccel-part", "ExitCode(unix_exit_status(7))"),
            ("vaccel-greet", "ExitCode(unix_exit_status(0))"),
            ("greet", "this is vaccel-greet and vaccel-part; start it by one of these names"),
            ("", "this is vaccel-greet and vaccel-part; start it by one of these names"),
        ];
        for (started, expected) in cases {
            let told = choose(started.as_ref(), &actions).map(|main| format!("{:?}", main()));
            assert_eq!(told.unwrap_or_else(|message| message), expected, "{started}");
        }
    }

    #[test]
    fn arguments_become_values() {
        let cases: [(&[&str], &str); 4] = [
            (&["--who=x"], "x 1 false true false\n"),
            (&["--who=x", "--loud", "--bow=false", "--list"], "x 1 true false true\n"),
            (&["--who=x", "--loud=true", "--count=3"], "x 3 true true false\n"),
            (&["--who=x", "--secret-key=k1\nk2"], "::add-mask::k1\n::add-mask::k2\nx 1 false true false\n"),
        ];
        for (arguments, story) in cases {
            assert_eq!(run(arguments), (ExitCode::SUCCESS, story.to_owned()), "{arguments:?}");
        }
    }

    #[test]
    fn wrong_arguments_are_one_error_with_status_two() {
        for arguments in [&["--who=x", "--loud=yes"][..], &[], &["--who=x", "--count=many"], &["--whom=x"]] {
            let (code, story) = run(arguments);
            assert_eq!(code, ExitCode::from(2), "{arguments:?}");
            assert_eq!(story.lines().count(), 1, "{story}");
            assert!(story.starts_with("::error title=Greet::"), "{story}");
        }
        insta::assert_snapshot!(run(&["--who=x", "--loud=yes"]).1, @"::error title=Greet::invalid value 'yes' for '--loud[=<true|false>]'%0A  [possible values: true, false]%0Ahelp: see --help, or the action's README");
        insta::assert_snapshot!(run(&[]).1, @"::error title=Greet::the following required arguments were not provided:%0A  --who <WHO>%0Ahelp: see --help, or the action's README");
    }

    #[test]
    fn the_definition_says_what_action_yml_needs() {
        insta::assert_json_snapshot!(definition::<Greet>());
    }
}
