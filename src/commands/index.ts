export {
  findStacks,
  foldStacks,
  type FoundStacks,
  groupStacks,
  hasPanicked,
  type StackGroup,
  stackRow,
  type StackRow,
  type TaskStack,
} from "./bt.ts";
export { groupLines, stackLines, type StackTextOptions } from "./bt-text.ts";
export { type ElfExport, type ElfExportOptions, kernelElf } from "./export-elf.ts";
export { evaluateAll, type FailedRow, type ValueRow } from "./eval.ts";
export { hex } from "./hex.ts";
export { infoLines, type KernelInfo, kernelInfo } from "./info.ts";
export { bootTime, listLog, logLines, logRow, type LogRow, parseLevels } from "./log.ts";
export { globPattern } from "./pattern.ts";
export { listThreads, stateLines, threadLines, type ThreadQuery, type ThreadRow } from "./ps.ts";
export { hexLines, type MemoryBytes, readMemory, resolveAddress } from "./read.ts";
export { allSymbols, findSymbols, parseAddress, parseLength, symbolLine, type SymbolRow } from "./sym.ts";
export { cachedFileLines, fileLines, type FileRow, listFiles, listMountFiles } from "./files.ts";
export { filePageLines, type FilePageRow, listFilePages } from "./file-pages.ts";
export { fileUserLines, type FileUserRow, listFileUsers } from "./fuser.ts";
export { listModules, moduleLines, type ModuleRow } from "./mod.ts";
export { listMounts, mountLines, type MountRow } from "./mount.ts";
export { areaLines, type AreaRow, listAreas } from "./vm.ts";
export { areaPageLines, type AreaPageRow, listAreaPages } from "./vm-pages.ts";
export { irqLines, type IrqRow, listIrqs } from "./irq.ts";
export {
  gateLines,
  type GateRow,
  listGates,
  listSoftirqs,
  softirqLines,
  type SoftirqRow,
} from "./softirqs.ts";
export { listNetdevs, netdevLines, type NetdevRow, type TrafficRow } from "./net.ts";
export { listNeighbours, neighbourLines, type NeighbourRow } from "./neighbours.ts";
export {
  listProcessSockets,
  listSockets,
  type ProcessSocketRow,
  socketLines,
  type SocketRow,
} from "./sockets.ts";
export { listMemory, memoryLines, type MemoryRow } from "./kmem.ts";
export {
  listSlabObjects,
  listSlabs,
  slabLines,
  slabObjectLines,
  type SlabObjectRow,
  type SlabRow,
} from "./kmem-slab.ts";
export {
  type FreeAreaRow,
  freeAreaLines,
  listFreeAreas,
  listNodes,
  listZones,
  nodeLines,
  type NodeRow,
  zoneLines,
  type ZoneRow,
} from "./kmem-zones.ts";
export { listVmstat, vmstatLines, type VmstatRow } from "./kmem-vmstat.ts";
export { listVmalloc, vmallocLines, type VmallocRow } from "./kmem-vmalloc.ts";
export { hugePageLines, type HugePageRow, listHugePages } from "./kmem-huge.ts";
export { listSwaps, swapLines, type SwapRow } from "./swap.ts";
export { listRunqueues, type QueuedTask, runqueueLines, type RunqueueRow } from "./runq.ts";
export { findLocks, type FoundLocks, type LockReport, type LockRow, type LockTask } from "./locks.ts";
export { lockLines } from "./lock-text.ts";
export { listTimers, timerLines, type TimerRow } from "./timer.ts";
export { deviceLines, type DeviceRow, listDevices } from "./dev.ts";
export { diskLines, type DiskRow, listDisks, listRequests, requestLines, type RequestRow } from "./disks.ts";
export { type RcuCpuRow, type RcuInfo, rcuInfo, rcuLines, type RcuTaskRow } from "./rcu.ts";
export { listWaiters, waiterLines, type WaiterRow } from "./waitq.ts";
export { listParameters, parameterLines, type ParameterRow } from "./parameters.ts";
export { listPciDevices, pciLines, type PciRow } from "./pci.ts";
export { listResources, resourceLines, type ResourceRow } from "./resources.ts";
export { listSubsystems, subsystemLines, type SubsystemRow } from "./subsystems.ts";
export { deviceTreeLines, type DeviceNodeRow, listDeviceTree } from "./device-tree.ts";
export { triage, type TriageReport, triageWithoutKernel } from "./triage.ts";
export { judgementSections, type Section, sectionLines, triageSections } from "./triage-text.ts";
export { htmlLines, markdownLines } from "./triage-markup.ts";
export { type SystemInfo, systemInfo, systemLines } from "./sys.ts";
export { listOptions, optionLines, type OptionRow } from "./kconfig.ts";
export { type MachineInfo, machineInfo, machineLines } from "./mach.ts";
export { type Column, tableLines, tableWidth } from "./table.ts";
export { listVariables, unknownVariable, variableLine, variableRow, type VariableRow } from "./vars.ts";
export { type MemberRow, showStruct, structLines, type StructRow } from "./struct.ts";
export { entryLines, type EntryRow, type ListQuery, walkLinkedList } from "./list.ts";
export { treeKind, walkTree } from "./tree.ts";
export { hitLines, type HitRow, searchMemory } from "./search.ts";
export { readWords, textLines, untilUnprintable, withCaches, wordLines, type WordRow } from "./words.ts";
export { translateAddresses, translationLines, type TranslationRow } from "./vtop.ts";
export type { Candidate } from "./whatis-finder.ts";
export { identifyAddresses, whatisLines, type WhatisRow } from "./whatis.ts";
export { isfSymbols, kernelTypes, scriptVariables } from "./export.ts";
export { type IpcKind, ipcKinds, type IpcRow, listIpc } from "./ipc.ts";
export { ipcLines } from "./ipc-text.ts";
export { listNamespaces, namespaceLines, type NamespaceRow } from "./namespaces.ts";
export {
  bpfLinkLines,
  type BpfLinkRow,
  bpfMapLines,
  type BpfMapRow,
  bpfProgLines,
  type BpfProgRow,
  listBpfLinks,
  listBpfMaps,
  listBpfProgs,
} from "./bpf.ts";
export {
  listWorkerPools,
  listWorkqueues,
  workerPoolLines,
  type WorkerPoolRow,
  workqueueLines,
  type WorkqueueRow,
} from "./workqueue.ts";
export { type CgroupRow, type Limit, listCgroups } from "./cgroup.ts";
export { cgroupLines } from "./cgroup-text.ts";
export { listSignals, signalLines, type SignalRow } from "./sig.ts";
export { listSysctls, sysctlLines, type SysctlRow } from "./sysctl.ts";
