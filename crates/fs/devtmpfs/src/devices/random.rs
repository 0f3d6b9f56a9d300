//! /dev/random and /dev/urandom: random(4).

use std::any::Any;

use abi::Errno;
use vfs::{File, IoctlContext, Seek, Sink, Source};

use super::fill;

/// `RNDGETENTCNT`: how many bits of entropy there are.
const GET_ENTROPY: u32 = 0x8004_5200;
/// What a kernel says whose generator is initialised.
const ENTROPY: i32 = 256;

/// The host's random numbers; takes all that is written, which changes nothing.
pub(super) struct Random;

impl File for Random {
    fn read(&self, _offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        fill(into, host::random::fill)
    }

    fn write(&self, offset: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        // Linux reads what it mixes in, so a bad address is found.
        let mut piece = [0; 4096];
        let mut done: usize = 0;
        while from.left() > 0 {
            match from.take(&mut piece) {
                Ok(0) => break,
                Ok(count) => done = done.saturating_add(count),
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok((done, offset.unwrap_or(0)))
    }

    fn seek(&self, _to: Seek) -> Result<u64, Errno> {
        Ok(0)
    }

    fn ioctl(&self, context: &dyn IoctlContext, request: u32, argument: u64) -> Result<u64, Errno> {
        if request != GET_ENTROPY {
            return Err(Errno::EINVAL);
        }
        context.write(argument, &ENTROPY.to_ne_bytes())?;
        Ok(0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
