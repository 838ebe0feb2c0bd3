/**
 * When the process ends: on SIGTERM or SIGINT, or when its parent is gone.
 *
 * A node that outlives the demo that started it would hold its port and memory for ever.
 */
const PARENT_CHECK_MS = 1000;
// Nothing on disk is at stake, so a connection that will not close is not waited for.
const CLOSE_LIMIT_MS = 2000;

/** parentPid: process to watch, or undefined. */
export function endWith(node, parentPid) {
  let isEnding = false;
  async function end(reason) {
    if (isEnding) return;
    isEnding = true;
    console.log(`Ending: ${reason}`);
    setTimeout(() => process.exit(0), CLOSE_LIMIT_MS);
    try {
      await node.close();
    } catch (error) {
      console.error("While closing:", error);
    }
    process.exit(0);
  }

  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => end(signal));
  process.on("unhandledRejection", (error) => {
    // What is cut off while closing rejects; anything else is a fault to show, but none to die of.
    if (!isEnding) console.error("Unhandled rejection:", error);
  });
  if (parentPid !== undefined) watchParent(parentPid, () => end(`parent ${parentPid} is gone`));
}

function watchParent(pid, onGone) {
  // A dead child of a parent that does not reap it still has a pid; our own parent's death shows in ppid.
  const isOwnParent = process.ppid === pid;
  setInterval(() => {
    const isAlive = isOwnParent ? process.ppid === pid : processExists(pid);
    if (!isAlive) onGone();
  }, PARENT_CHECK_MS);
}

function processExists(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM"; // it exists, but belongs to someone else
  }
}
