//! A small assembler for classic BPF over `struct seccomp_data`.

const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const ADD_X: u16 = 0x0c;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER: u16 = 0x25;
const JUMP_AT_LEAST: u16 = 0x35;
const JUMP_AT_LEAST_X: u16 = 0x3d;
const JUMP_BITS: u16 = 0x45;
const RETURN: u16 = 0x06;
const TAX: u16 = 0x07;

const RET_ALLOW: u32 = 0x7fff_0000;
const RET_NOTIFY: u32 = 0x7fc0_0000;
const RET_ERRNO: u32 = 0x0005_0000;
const RET_TRAP: u32 = 0x0003_0000;

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const IP: u32 = 8;
const ARGS: u32 = 16;

type Failure = &'static str;
const TOO_FAR: Failure = "a jump in the filter is too far";

/// Instructions so far. Blocks are put together from the inside out, so all jumps are known when written.
#[derive(Default, Clone)]
pub(super) struct Assembler(Vec<(u16, u8, u8, u32)>);

impl Assembler {
    fn push(&mut self, code: u16, k: u32) {
        self.0.push((code, 0, 0, k));
    }

    fn jump(&mut self, code: u16, k: u32, if_true: usize, if_false: usize) -> Result<(), Failure> {
        let if_true = u8::try_from(if_true).map_err(|_| TOO_FAR)?;
        let if_false = u8::try_from(if_false).map_err(|_| TOO_FAR)?;
        self.0.push((code, if_true, if_false, k));
        Ok(())
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub(super) fn load_number(&mut self) {
        self.push(LOAD, NUMBER);
    }

    pub(super) fn load_architecture(&mut self) {
        self.push(LOAD, ARCHITECTURE);
    }

    pub(super) fn load_ip_low(&mut self) {
        self.push(LOAD, IP);
    }

    pub(super) fn load_ip_high(&mut self) {
        self.push(LOAD, IP + 4);
    }

    pub(super) fn load_low(&mut self, arg: u8) {
        self.push(LOAD, ARGS + 8 * u32::from(arg));
    }

    pub(super) fn load_high(&mut self, arg: u8) {
        self.push(LOAD, ARGS + 8 * u32::from(arg) + 4);
    }

    pub(super) fn and(&mut self, mask: u32) {
        self.push(AND, mask);
    }

    pub(super) fn allow(&mut self) {
        self.push(RETURN, RET_ALLOW);
    }

    pub(super) fn trap(&mut self) {
        self.push(RETURN, RET_TRAP);
    }

    pub(super) fn notify(&mut self) {
        self.push(RETURN, RET_NOTIFY);
    }

    pub(super) fn errno(&mut self, errno: u32) {
        self.push(RETURN, RET_ERRNO | errno);
    }

    /// What `end` writes, on its own.
    fn block(end: impl Fn(&mut Self)) -> Self {
        let mut block = Self::default();
        end(&mut block);
        block
    }

    /// `end` (which returns) unless the accumulator is `value`.
    pub(super) fn unless_equal(&mut self, value: u32, end: impl Fn(&mut Self)) -> Result<(), Failure> {
        let block = Self::block(end);
        self.jump(JUMP_EQUAL, value, block.0.len(), 0)?;
        self.append(block);
        Ok(())
    }

    /// `end` if the accumulator is `value` or more.
    pub(super) fn if_at_least(&mut self, value: u32, end: impl Fn(&mut Self)) -> Result<(), Failure> {
        let block = Self::block(end);
        self.jump(JUMP_AT_LEAST, value, 0, block.0.len())?;
        self.append(block);
        Ok(())
    }

    /// `end` if the accumulator has any of these bits.
    pub(super) fn if_any_bit(&mut self, bits: u32, end: impl Fn(&mut Self)) -> Result<(), Failure> {
        let block = Self::block(end);
        self.jump(JUMP_BITS, bits, 0, block.0.len())?;
        self.append(block);
        Ok(())
    }

    /// `end` unless the accumulator is one of these.
    pub(super) fn unless_one_of(&mut self, values: &[u32], end: impl Fn(&mut Self)) -> Result<(), Failure> {
        let block = Self::block(end);
        for (index, value) in values.iter().enumerate() {
            let rest = values.len() - 1 - index;
            self.jump(JUMP_EQUAL, *value, rest + block.0.len(), 0)?;
        }
        self.append(block);
        Ok(())
    }

    /// The block, of any length, if the accumulator is `value`. The accumulator is lost within it.
    pub(super) fn if_equal_block(&mut self, value: u32, block: &Self) -> Result<(), Failure> {
        self.guarded(JUMP_EQUAL, value, true, block)
    }

    /// The block, of any length, if the accumulator is below `value`.
    pub(super) fn if_below_block(&mut self, value: u32, block: &Self) -> Result<(), Failure> {
        self.guarded(JUMP_AT_LEAST, value, false, block)
    }

    fn guarded(&mut self, code: u16, value: u32, when: bool, block: &Self) -> Result<(), Failure> {
        let length = block.0.len();
        if length <= usize::from(u8::MAX) {
            let (if_true, if_false) = if when { (0, length) } else { (length, 0) };
            self.jump(code, value, if_true, if_false)?;
        } else {
            let (if_true, if_false) = if when { (1, 0) } else { (0, 1) };
            self.jump(code, value, if_true, if_false)?;
            self.push(JUMP, u32::try_from(length).map_err(|_| TOO_FAR)?);
        }
        self.append(block.clone());
        Ok(())
    }

    /// `end` unless the range lies below or above the 4 GiB whose addresses have the upper word `stub`.
    ///
    /// Exact but for ranges that end where those begin, and for lengths beyond any address space, which count as inside.
    pub(super) fn unless_outside(
        &mut self,
        address: u8,
        length: u8,
        stub: u32,
        end: impl Fn(&mut Self),
    ) -> Result<(), Failure> {
        let fail = Self::block(end);
        let to_end = fail.0.len();
        self.load_high(address);
        // Above it is fine. These jumps count to the failing block at the end, and over it.
        self.jump(JUMP_GREATER, stub, 12 + to_end, 0)?;
        self.jump(JUMP_EQUAL, stub, 11, 0)?;
        self.push(TAX, 0);
        self.load_high(length);
        self.jump(JUMP_GREATER, 0xffff, 8, 0)?;
        self.push(ADD_X, 0);
        self.jump(JUMP_AT_LEAST, stub, 6, 0)?;
        self.jump(JUMP_EQUAL, stub - 1, 0, 5 + to_end)?;
        // The lower words carry if their sum is less than either.
        self.load_low(length);
        self.push(TAX, 0);
        self.load_low(address);
        self.push(ADD_X, 0);
        self.jump(JUMP_AT_LEAST_X, 0, to_end, 0)?;
        self.append(fail);
        Ok(())
    }

    /// The program, as the kernel reads it.
    pub(super) fn finish(self) -> Vec<u64> {
        self.0
            .into_iter()
            .map(|(code, if_true, if_false, k)| {
                u64::from(code) | u64::from(if_true) << 16 | u64::from(if_false) << 24 | u64::from(k) << 32
            })
            .collect()
    }
}
