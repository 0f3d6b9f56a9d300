//! What was typed and not read yet.

use std::collections::VecDeque;

/// Characters that wait at most, line ends included.
pub(super) const CAPACITY: usize = 4096;

/// What a character is besides itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Nothing.
    None,
    /// It ends a line.
    End,
    /// It ends a line and is not part of it: end of file.
    EndOfFile,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    byte: u8,
    mark: Mark,
}

/// Characters in order; those of complete lines first.
#[derive(Debug, Default)]
pub(super) struct Input {
    cells: VecDeque<Cell>,
    /// How many of them belong to complete lines.
    complete: usize,
}

impl Input {
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there is a line to read.
    pub(super) const fn has_line(&self) -> bool {
        self.complete > 0
    }

    /// How many characters of complete lines a reader would get.
    pub(super) fn line_bytes(&self) -> usize {
        self.cells.iter().take(self.complete).filter(|cell| cell.mark != Mark::EndOfFile).count()
    }

    /// Whether the line being typed has no characters yet.
    pub(super) fn line_is_empty(&self) -> bool {
        self.complete == self.cells.len()
    }

    /// The line being typed.
    pub(super) fn line(&self) -> impl DoubleEndedIterator<Item = u8> + '_ {
        self.cells.iter().skip(self.complete).map(|cell| cell.byte)
    }

    pub(super) fn push(&mut self, byte: u8) {
        self.cells.push_back(Cell { byte, mark: Mark::None });
    }

    /// Adds a character that completes the line.
    pub(super) fn push_end(&mut self, byte: u8, mark: Mark) {
        self.cells.push_back(Cell { byte, mark });
        self.complete = self.cells.len();
    }

    /// Takes the last character of the line being typed back.
    pub(super) fn pop(&mut self) -> Option<u8> {
        if self.line_is_empty() { None } else { self.cells.pop_back().map(|cell| cell.byte) }
    }

    /// Forgets the line being typed.
    pub(super) fn drop_line(&mut self) {
        self.cells.truncate(self.complete);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Lines begin or end to matter: what is there becomes one line, or just characters.
    pub(super) fn regroup(&mut self, lines: bool) {
        for cell in &mut self.cells {
            cell.mark = Mark::None;
        }
        self.complete = 0;
        if let Some(last) = self.cells.back_mut().filter(|_| lines) {
            last.mark = Mark::End;
            self.complete = self.cells.len();
        }
    }

    /// Takes up to `room` characters, whatever they mean.
    pub(super) fn take(&mut self, room: usize) -> Vec<u8> {
        let count = room.min(self.cells.len());
        self.complete = self.complete.saturating_sub(count);
        self.cells.drain(..count).map(|cell| cell.byte).collect()
    }

    /// Takes a line, or as much of it as there is room for. Nothing at all if no line is complete; an empty line is the end of a file.
    pub(super) fn take_line(&mut self, room: usize) -> Option<Vec<u8>> {
        if self.complete == 0 {
            return None;
        }
        let mut line = Vec::new();
        while self.complete > 0 {
            let Some(mark) = self.cells.front().map(|cell| cell.mark) else { break };
            // An end of file right behind what fits belongs to it: the next read shall not find it.
            if line.len() == room && mark != Mark::EndOfFile {
                break;
            }
            let Some(cell) = self.cells.pop_front() else { break };
            self.complete -= 1;
            if mark != Mark::EndOfFile {
                line.push(cell.byte);
            }
            if mark != Mark::None {
                break;
            }
        }
        Some(line)
    }
}
