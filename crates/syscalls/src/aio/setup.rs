//! io_setup(2), io_destroy(2).

use std::sync::Arc;

use abi::Errno;
use abi::memory::{MAP_PRIVATE, PAGE_SIZE, Protection};
use kernel::aio::Contexts;
use kernel::{Task, UserPtr};
use platform::{Order, Source};

/// Requests of one context that Linux looks at the number of.
const COUNT_MAX: u32 = 0x1000_0000;

/// Makes a context. Its id is the address of a page: programs look there for events before they ask, and this one tells them to ask.
///
/// # Errors
/// `EINVAL`, `EAGAIN` over the sandbox's limit, `ENOMEM`, `EFAULT`.
pub async fn io_setup(task: &Arc<Task>, count: u32, id: UserPtr<u64>) -> Result<(), Errno> {
    let old = id.read(&*task.memory())?;
    if old != 0 || count == 0 || count > COUNT_MAX {
        return Err(Errno::EINVAL);
    }
    let context = Contexts::prepare(&task.kernel.asynchronous, count)?;
    let order = Order::Map {
        address: 0,
        length: PAGE_SIZE,
        protection: (Protection::READ | Protection::WRITE).bits(),
        flags: MAP_PRIVATE,
        source: Source::Anonymous,
    };
    let page = task.perform(vec![order]).await?.pop().unwrap_or(Err(Errno::ENOMEM))?;
    let space = task.space();
    space.asynchronous.enter(page, context);
    if let Err(errno) = id.write(&*task.memory(), &page) {
        io_destroy(task, page).await?;
        return Err(errno);
    }
    Ok(())
}

/// Ends a context.
///
/// # Errors
/// `EINVAL`.
pub async fn io_destroy(task: &Arc<Task>, id: u64) -> Result<(), Errno> {
    task.space().asynchronous.remove(id)?;
    task.perform(vec![Order::Unmap { address: id, length: PAGE_SIZE }]).await?;
    Ok(())
}
