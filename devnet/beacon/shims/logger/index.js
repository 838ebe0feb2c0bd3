/**
 * A logger that prints one plain line per event to standard output.
 *
 * Stands where `@lodestar/logger` would (npm lacks the version that beacon-node 1.44 asks for).
 */
export const LogLevel = {
  error: "error",
  warn: "warn",
  info: "info",
  verbose: "verbose",
  debug: "debug",
  trace: "trace",
};
const LEVELS = Object.values(LogLevel);

/** opts: `level` (the least important one to print) and `module` (a name that precedes each message). */
export function getNodeLogger(opts = {}) {
  const {level: threshold = LogLevel.info, module = ""} = opts;
  const logger = {
    child: (childOpts) =>
      getNodeLogger({...opts, ...childOpts, module: [module, childOpts.module].filter(Boolean).join("/")}),
    toOpts: () => opts,
  };
  for (const level of LEVELS) {
    const isPrinted = LEVELS.indexOf(level) <= LEVELS.indexOf(threshold);
    logger[level] = isPrinted ? (...event) => console.log(formatLine(level, module, ...event)) : () => {};
  }
  return logger;
}

function formatLine(level, module, message, context, error) {
  const parts = [new Date().toISOString(), level, module && `[${module}]`, message, formatContext(context)];
  if (error) parts.push(error.stack ?? String(error));
  return parts.filter(Boolean).join(" ");
}

function formatContext(context) {
  return Object.entries(context ?? {})
    .map(([key, value]) => `${key}=${formatValue(value)}`)
    .join(" ");
}

function formatValue(value) {
  if (typeof value !== "object" || value === null) return String(value);
  return JSON.stringify(value, (_key, item) => (typeof item === "bigint" ? String(item) : item));
}
