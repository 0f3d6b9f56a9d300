"""An event loop with timers, children, streams, signals and threads."""
import asyncio, os, signal

async def echo(reader, writer):
    while line := await reader.readline(): writer.write(line.upper()); await writer.drain()
    writer.close()

async def talk(connect):
    reader, writer = await connect; writer.write(b"hello\nworld\n"); writer.write_eof(); text = await reader.read(); writer.close(); return text

async def main():
    print(await asyncio.gather(*(asyncio.sleep(0.01 * i, i) for i in range(5))))
    try: await asyncio.wait_for(asyncio.sleep(5), 0.05)
    except asyncio.TimeoutError: print("timeout")
    p = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1); print((await p.communicate(b"through cat"))[0], p.returncode)
    ps = await asyncio.gather(*(asyncio.create_subprocess_shell(f"sleep 0.1; exit {i}") for i in range(10))); print([await p.wait() for p in ps])
    server = await asyncio.start_server(echo, "127.0.0.1", 0); port = server.sockets[0].getsockname()[1]
    print(await asyncio.gather(*(talk(asyncio.open_connection("127.0.0.1", port)) for _ in range(10)))); server.close()
    server = await asyncio.start_unix_server(echo, "/work/sock"); print(await talk(asyncio.open_unix_connection("/work/sock"))); server.close()
    loop, got = asyncio.get_running_loop(), asyncio.Event(); loop.add_signal_handler(signal.SIGUSR1, got.set); os.kill(os.getpid(), signal.SIGUSR1); await asyncio.wait_for(got.wait(), 100); print("signal")
    print(await asyncio.to_thread(sum, range(100))); q = asyncio.Queue(); loop.call_later(0.05, q.put_nowait, "later"); print(await q.get())
asyncio.run(main())
