export { debuginfodServers, type DebuginfoRequest, debuginfoUrl, fetchDebuginfo } from "./client.ts";
