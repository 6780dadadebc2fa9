import { expect, test } from "vitest";
import { commonTypes, MockMemory, mockProgram, structAdder } from "../../test/build/mock-program.ts";
import { BtfBuilder } from "../btf/index.ts";
import { forEachTcpSock } from "./sock.ts";

const at = 0xffff_8880_0000_0000n;
const [net, tables, second, established] = [at, at + 0x1000n, at + 0x2000n, at + 0x3000n];
const sock = (index: number): bigint => at + 0x1_0000n + 0x100n * BigInt(index);

/** TCP hash tables with listening sockets by port and in `lhash2`, as they were from v5.5 to v5.18. */
function listenersByPort(): string[] {
  const builder = new BtfBuilder();
  const { ulong, uint } = commonTypes(builder);
  const pointer = builder.addPtr(0);
  const struct = structAdder(builder);
  const node = struct("hlist_nulls_node", 16, { next: [pointer, 0], pprev: [pointer, 8] });
  const head = struct("hlist_nulls_head", 8, { first: [builder.addPtr(node), 0] });
  const listen = struct("inet_listen_hashbucket", 8, { nulls_head: [head, 0] });
  const chain = struct("inet_ehash_bucket", 8, { chain: [head, 0] });
  struct("inet_hashinfo", 48, {
    ehash: [builder.addPtr(chain), 0],
    ehash_mask: [uint, 8],
    lhash2_mask: [uint, 12],
    lhash2: [builder.addPtr(listen), 16],
    listening_hash: [builder.addArray(listen, ulong, 2), 24],
  });
  const possibleNet = struct("possible_net_t", 8, { net: [pointer, 0] });
  const common = struct("sock_common", 24, { skc_net: [possibleNet, 0], skc_nulls_node: [node, 8] });
  struct("sock", 32, { __sk_common: [common, 0] });
  struct("net", 8, { ipv4: [struct("netns_ipv4", 0, {}), 0] });
  const memory = new MockMemory();
  // Bucket 1 of the table by port has both; lhash2, by port and address, links one by another member.
  memory.putWords(tables, established, 0n, second, 1n, sock(0) + 8n);
  memory.putWords(second, sock(0) + 24n);
  memory.putWords(established, sock(2) + 8n);
  memory.putWords(sock(0), net, sock(1) + 8n, 0n, 0n);
  memory.putWords(sock(1), net, 3n, 0n, 0n);
  memory.putWords(sock(2), net, 1n, 0n, 0n);
  const program = mockProgram({
    btf: builder.toBtf(),
    memory,
    variables: { tcp_hashinfo: { address: tables, type: "struct inet_hashinfo" } },
  });
  const found = forEachTcpSock(program, program.object(net, "struct net"));
  return Array.from(found, ({ address }) => `sock ${[0, 1, 2].findIndex((i) => sock(i) === address)}`);
}

test("listening sockets are taken from the table by port where there is one", () => {
  expect(listenersByPort()).toEqual(["sock 0", "sock 1", "sock 2"]);
});
