//! `windlass top`: a running cluster on a terminal, looked at every second.
//!
//! This thread draws and takes keys; another one asks the master, so that nothing here waits for
//! it.

mod lines;
mod looker;
mod model;
mod rates;
mod table;

use crate::arguments::TopArguments;
use crate::place::Place;
use crate::{CliError, screen, signals};
use lines::Area;
use looker::{INTERVAL, Looker, look_once};
use model::{Key, Model, Wish};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::text::Text;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How soon what came meanwhile, or a signal, is noticed.
const TURN: Duration = Duration::from_millis(100);
/// Columns where no terminal tells.
const COLUMNS_DEFAULT: usize = 100;

pub(crate) fn top(arguments: &TopArguments) -> Result<u8, CliError> {
    let place = &arguments.place;
    let place = Place::of(place.master.as_deref(), &place.access, place.state.as_deref(), 0)?;
    if arguments.once {
        return once(&place);
    }
    let is_terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    if !is_terminal || !screen::can_redraw() {
        return Err(CliError::usage(
            "top draws on a terminal, and this is none: `windlass top --once` prints what it would \
             show; for programs there are `windlass cluster status --json` and `windlass worker \
             list --json`",
        ));
    }
    let interrupted = signals::interrupts()?;
    let mut model = Model::new(place.shown());
    let looker = Looker::start(place)?;
    let drawn = ratatui::try_init()
        .and_then(|mut terminal| watch(&mut terminal, &mut model, &looker, &interrupted));
    let restored = ratatui::try_restore();
    drawn.and(restored).map_err(|error| {
        CliError::failed(format!("draw on this terminal: {error}; see `windlass cluster status`"))
    })?;
    Ok(0)
}

/// Prints one frame as text: of two looks, because a pace needs two.
fn once(place: &Place) -> Result<u8, CliError> {
    let cluster = place.running()?;
    let mut model = Model::new(place.shown());
    let mut names = looker::Names::default();
    for pause in [Duration::ZERO, INTERVAL] {
        std::thread::sleep(pause);
        let looked = look_once(&cluster, &mut names).map_err(CliError::of_cluster)?;
        model.on_looked(looked);
    }
    let columns = terminal_size::terminal_size_of(std::io::stdout())
        .map_or(COLUMNS_DEFAULT, |(columns, _)| usize::from(columns.0));
    let mut text = String::new();
    for line in lines::report(&model, columns) {
        text.push_str(line.to_string().trim_end());
        text.push('\n');
    }
    crate::print(&text);
    Ok(0)
}

/// Draws what comes and does what keys say, until it is to end.
fn watch(
    terminal: &mut DefaultTerminal,
    model: &mut Model,
    looker: &Looker,
    interrupted: &AtomicBool,
) -> std::io::Result<()> {
    let has_colour = console::colors_enabled();
    let mut drawn_at = None::<Instant>;
    while !interrupted.load(Ordering::Relaxed) {
        let mut is_new = looker.news().map(|news| model.on_news(news)).count() > 0;
        if event::poll(TURN)? {
            is_new = true;
            match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => {
                    match model.on_key(key_of(key)) {
                        Some(Wish::Quit) => return Ok(()),
                        Some(wish) => looker.act(wish),
                        None => {}
                    }
                }
                _ => {}
            }
        }
        if is_new || drawn_at.is_none_or(|at| at.elapsed() >= INTERVAL) {
            drawn_at = Some(Instant::now());
            terminal.draw(|frame| {
                let area = frame.area();
                let (columns, rows) = (usize::from(area.width), usize::from(area.height));
                let lines = lines::frame(model, Area { columns, rows }, has_colour);
                frame.render_widget(Text::from(lines), area);
            })?;
        }
    }
    Ok(())
}

/// What a key means here.
fn key_of(key: KeyEvent) -> Key {
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Key::Quit,
        KeyCode::Char('q') => Key::Quit,
        KeyCode::Up | KeyCode::Char('k') => Key::Up,
        KeyCode::Down | KeyCode::Char('j') => Key::Down,
        KeyCode::Tab | KeyCode::Right | KeyCode::Char('l') => Key::Next,
        KeyCode::BackTab | KeyCode::Left | KeyCode::Char('h') => Key::Back,
        KeyCode::Char('d') => Key::Drain,
        KeyCode::Char('r') => Key::Resume,
        KeyCode::Char('c') => Key::Cancel,
        KeyCode::Char('y') => Key::Yes,
        _ => Key::Other,
    }
}
