// Starts the app under test on SQLite and a free port, and a browser to look at it.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const binary = process.env.NOTES_BINARY;
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Starts `notes serve` and waits until it is ready. */
export const startApp = async () => {
  if (!binary) throw new Error("NOTES_BINARY is not set; tests/browser/run sets it");
  const folder = await mkdtemp(join(tmpdir(), "notes-browser-"));
  const ports = { PORT: "0", GRPC_PORT: "0", METRICS_PORT: "0" };
  const environment = { BIND: "127.0.0.1", ...ports, DRAIN_SECONDS: "0" };
  const child = spawn(binary, ["serve"], {
    env: { ...environment, TMPDIR: folder, IMAGE_DIGEST: "sha256:" + "5f".repeat(32) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let address;
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line);
    if (event.message === "listening") address = `http://${event.address}`;
    if (event.message === "ready") break;
  }
  child.stdout.resume();
  const stop = async () => {
    child.kill("SIGTERM");
    await new Promise((ended) => child.once("exit", ended));
    await rm(folder, { recursive: true });
  };
  return { address, stop };
};

/** Starts a headless browser; root may not use Chromium's sandbox. */
export const startBrowser = () =>
  chromium.launch({ executablePath, chromiumSandbox: process.getuid() !== 0 });
