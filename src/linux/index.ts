export { BrokenLinkError, untilBroken } from "../kernel/index.ts";
export { hlistForEach, hlistForEachEntry, listEmpty, listForEach, listForEachEntry } from "./list.ts";
export { hlistNullsForEach, hlistNullsForEachEntry } from "./list-nulls.ts";
export { llistForEach, llistForEachEntry } from "./llist.ts";
export { rhashtableForEach, rhashtableForEachEntry } from "./rhashtable.ts";
export { klistForEach, klistForEachEntry } from "./klist.ts";
export { rbtreeInorderForEach, rbtreeInorderForEachEntry } from "./rbtree.ts";
export { type XaEntry, xaForEach, xaIsValue, xaLoad, xaToValue } from "./xarray.ts";
export { radixTreeForEach, radixTreeLookup } from "./radix-tree.ts";
export { idrFind, idrForEach, idrForEachEntry } from "./idr.ts";
export { type MapleEntry, mtForEach, mtForEachEntry, mtreeLoad } from "./mapletree.ts";
export { bitmapWeight, forEachSetBit } from "./bitmap.ts";
export { forEachCpu, forEachOnlineCpu, forEachPossibleCpu, forEachPresentCpu, nrCpuIds } from "./cpumask.ts";
export { percpuCounterSum, perCpuPtr } from "./percpu.ts";
export { type PercpuArea, percpuAreaAt, type PercpuLayout } from "./percpu-chunk.ts";
export { type Task, TaskReader, taskStateLetter } from "./sched.ts";
export { Gaps } from "./gaps.ts";
export { printkRecords } from "./printk.ts";
export type { PrintkRecord } from "./printk-record.ts";
export { type Clocks, readClocks, timekeeper } from "./timekeeping.ts";
export { cmdline, environ, type MemoryUse, memoryUse, mmCounter, mmRss } from "./mm.ts";
export { findTask } from "./pid.ts";
export { dentryName, dPath, type PathPlace, pathPlace, pathText } from "./dcache.ts";
export { forEachMount, mountDirectory, mountOptions, mountOwnOptions, mountType } from "./mount.ts";
export { forEachFile } from "./fdtable.ts";
export { forEachVma, vmaAccess, vmaName } from "./vma.ts";
export {
  globalNodePageState,
  globalZonePageState,
  hasStatItem,
  nodeStats,
  totalramPages,
  type VmstatItem,
  vmstatItems,
  zoneStats,
} from "./vmstat.ts";
export { forEachOnlineNode } from "./nodemask.ts";
export {
  forEachFreeBlock,
  forEachOnlinePgdat,
  migrateTypeNames,
  pgdatZones,
  populatedZone,
  type Watermarks,
  zoneFreeBlocks,
  zoneName,
  zoneWatermarks,
} from "./mmzone.ts";
export { forEachHstate, hugePageSize, hugetlbTotalPages } from "./hugetlb.ts";
export { forEachSwapInfo, swapEntry, swapFilePath, swapIsFile, swapUsageInPages } from "./swap.ts";
export { forEachCacheNode, forEachSlabCache, type SlabUse, slabUse, usualSlab } from "./slab.ts";
export {
  forEachGate,
  forEachIrqDesc,
  type Gate,
  irqActions,
  irqAffinity,
  irqCounts,
  irqEffectiveAffinity,
} from "./irqdesc.ts";
export { forEachSoftirq, type Softirq } from "./softirq.ts";
export {
  forEachPacketSock,
  forEachRawSock,
  forEachTcpSock,
  forEachUdpSock,
  forEachUnixSock,
  ipv4Text,
  ipv6Text,
  type SockEnd,
  sockEnds,
  sockFromFile,
  sockInode,
  sockNet,
  unixPath,
  unixQueuedBytes,
} from "./sock.ts";
export { forEachNet, netInum } from "./net-namespace.ts";
export { forEachNetlinkSock } from "./netlink.ts";
export { forEachNeighbour, neighbourStates } from "./neighbour.ts";
export { type NetdevStats, netdevStats, type NetdevTraffic } from "./netdev-stats.ts";
export {
  forEachBusyRequest,
  forEachHctx,
  inFlight,
  type InFlight,
  queueIsMq,
  requestOperation,
  type TaggedRequest,
} from "./blk-mq.ts";
export { sbitmapForEachSet } from "./sbitmap.ts";
export {
  forEachRcuBlockedTask,
  forEachRcuCpu,
  type RcuCpu,
  rcuGracePeriod,
  type RcuSequence,
} from "./rcu.ts";
export { type Waiter, waiterOf, waitqueueForEachEntry } from "./wait.ts";
export { forEachModuleParam, moduleParamText } from "./moduleparam.ts";
export { forEachResource, type ResourceRange } from "./resource.ts";
export { forEachPciBus, forEachPciDev } from "./pci.ts";
export { devName, forEachBus, forEachClass, forEachDeviceOf, type Subsystem } from "./driver-model.ts";
export {
  bpfJitedLength,
  bpfLinkTarget,
  bpfProgMapIds,
  bpfProgStats,
  bpfTypeName,
  forEachBpfLink,
  forEachBpfMap,
  forEachBpfProg,
} from "./bpf.ts";
export {
  forEachBusyWorker,
  forEachPoolWorker,
  forEachPwq,
  forEachWorkerPool,
  forEachWorkqueue,
  type PoolWork,
  poolWork,
  type Work,
  type WorkInFlight,
} from "./workqueue.ts";
export { forEachNetdev, netdevAddresses } from "./netdevice.ts";
export { type ArmedHrtimer, type ArmedTimer, cpuHrtimers, cpuTimers } from "./timer.ts";
export { mutexForEachWaiter, mutexOwner } from "./mutex.ts";
export { rwsemForEachWaiter, type RwsemState, rwsemState, rwsemWaiterWants } from "./rwsem.ts";
export { semaphoreCount, semaphoreForEachWaiter, semaphoreLastHolder } from "./semaphore.ts";
export { completionDone, completionForEachWaiter } from "./completion.ts";
export { rtMutexForEachWaiter, rtMutexOwner } from "./rtmutex.ts";
export { cpuRq, schedClass, taskOnRqQueued } from "./runqueue.ts";
export {
  blockDeviceName,
  blockDevicePages,
  blockDevices,
  characterDevices,
  type DeviceNumbers,
  forEachBlockDevice,
} from "./device.ts";
export { forEachHdStruct, hasHdStruct, hdStructDisk, hdStructName } from "./hd-struct.ts";
export { pathLookup } from "./namei.ts";
export { type CachedFolio, inodeCachedPages, inodeForEachFolio } from "./pagemap.ts";
export { compoundHead, pageState, type PageState, pageToPfn, pfnToPage, vmemmap } from "./page.ts";
export { forEachVmapArea, type VmapArea, vmapKinds } from "./vmalloc.ts";
export { type FreePlace, freePlaceOf, slabObject, type SlabPlace } from "./slab-object.ts";
export { forEachSlabOf, slabCacheForEachObject, type SlabEntry } from "./slab-walk.ts";
export { directMap, directMapAddress } from "./direct-map.ts";
export { processMemory, userMemory } from "./user-memory.ts";
export {
  forEachMessageQueue,
  forEachSystemV,
  type MessageQueue,
  messageWaiters,
  semaphoresOf,
  semaphoreWaiters,
  type SystemVKind,
  type SystemVObject,
} from "./ipc.ts";
export {
  namespaceNumber,
  pidNumbers,
  taskActivePidNs,
  type TaskNamespace,
  taskNamespaces,
} from "./nsproxy.ts";
export {
  type CgroupController,
  cgroupControl,
  cgroupControllers,
  cgroupIsDead,
  cgroupIsPopulated,
  cgroupIsUnified,
  cgroupState,
  cgroupSubtreeControl,
  cgroupType,
  cssSetCgroups,
  forEachCgroup,
  forEachCgroupRoot,
} from "./cgroup.ts";
export { type CpuTime, taskCputimeAdjusted } from "./cputime.ts";
export { type ResourceLimit, taskRlimits, unlimited } from "./rlimit.ts";
export { type SchedulingPolicy, taskPolicy } from "./policy.ts";
export {
  type QueuedSignal,
  queuedSignals,
  type SignalAction,
  signalActions,
  signalName,
  signalsOf,
} from "./signal.ts";
export { forEachSysctl, type FoundSysctl, sysctlHandler, sysctlText } from "./sysctl.ts";
export { getKconfig, kconfigText } from "./kconfig.ts";
export {
  type DeviceNode,
  type DeviceProperty,
  forEachDeviceNode,
  forEachProperty,
  propertyCells,
  propertyStrings,
  propertyText,
  propertyValue,
} from "./device-tree.ts";
export { ticksPerSecond } from "./jiffies.ts";
export { cpuModels, type CpuModel } from "./cpuinfo.ts";
