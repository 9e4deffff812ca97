//! `flashcrash completions` and `flashcrash man`: what shells and manual readers need, from the arguments themselves.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use flashcrash::fault::Failure;

use super::{Cli, print};

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Shell that will read them
    shell: Shell,
}

pub fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "flashcrash", &mut script);
    print(&String::from_utf8_lossy(&script))
}

/// The page of the program, then one section for each verb: one file, as `man -l` reads it.
pub fn man() -> Result<(), Failure> {
    let mut page = Vec::new();
    let mut command = Cli::command();
    // Global arguments and the names of verbs are known to the parts only once the whole is built.
    command.build();
    let written = clap_mangen::Man::new(command.clone()).render(&mut page).and_then(|()| {
        for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
            let man = clap_mangen::Man::new(verb.clone());
            page.extend_from_slice(format!(".SH FLASHCRASH {}\n", verb.get_name().to_uppercase()).as_bytes());
            man.render_description_section(&mut page)?;
            man.render_synopsis_section(&mut page)?;
            man.render_options_section(&mut page)?;
        }
        Ok(())
    });
    written.map_err(|cause| Failure::File { path: "the manual page".into(), cause })?;
    print(&String::from_utf8_lossy(&page))
}
