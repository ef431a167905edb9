import Basics
import Delivery
import Glibc
import IntegrationKit
import JSON
import Synchronization

/// The program of a plugin: started when it is needed, started again with a back-off after it died, and
/// ended when nobody needs it.
final class PluginRunner: ChildPeer.Handler {
  /// Checks what the program says about itself before the first call.
  typealias Handshake = @Sendable (ChildPeer, Deadline) async throws(PluginFault) -> Void
  /// Answers a request of the program.
  typealias Answering = @Sendable (ChildRequest, ChildPeer) -> Void

  /// The variables of its environment, beside those of every program.
  typealias Variables = @Sendable (Deadline) async throws(PluginFault) -> [String: String]

  /// Milliseconds until the second start: first and longest.
  private static let firstBackOffMilliseconds = 500
  private static let longestBackOffMilliseconds = 30_000
  private static let minuteMilliseconds = 60_000
  /// Requests of the program that are answered at a time.
  private static let maximumRequests = 64
  /// Milliseconds that a cancelled call keeps its slot without a response.
  private static let abandonedMilliseconds = 10_000

  private struct State {
    var peer: ChildPeer?
    var isStarting = false
    var waiting: [Latch] = []
    /// Why the last start failed, for those that waited for it.
    var failure: PluginFault?
    /// Deaths in a row without a response in between.
    var deaths = 0
    var nextStart: MonotonicTime?
    /// Whether the next start is one after a death.
    var hasDied = false
    /// Of starts after a death.
    var restarts: [MonotonicTime] = []
    var inFlight = 0
    /// Of the last change of `inFlight`, so that a timer sees whether it is the latest.
    var activity: UInt64 = 0
    var isClosed = false
  }

  let folder: PluginFolder
  private let variables: Variables
  let dialect: any PluginDialect
  /// What the program must say about itself: its lock, or what it said first.
  private let catalogue: Mutex<PluginCatalogue?>
  private let log: Log
  private let restarts: RestartCounts
  private let maximumLineBytes: Int
  private let state = Mutex(State())
  /// Programs that have not ended.
  private let running = Monitor(0)
  private let slots: TaskSemaphore
  private let requests = TaskSemaphore(PluginRunner.maximumRequests)

  /// - Parameter locked: what it must say about itself; nil to accept what it says at its first start.
  init(
    _ folder: PluginFolder, variables: @escaping Variables, context: PluginContext,
    dialect: any PluginDialect, locked: PluginCatalogue?
  ) {
    self.folder = folder
    self.variables = variables
    self.dialect = dialect
    catalogue = Mutex(locked)
    log = context.log
    restarts = context.restarts
    maximumLineBytes = context.maximumLineBytes
    slots = TaskSemaphore(Int(folder.description.limits.maximumInFlight))
  }

  private var limits: PluginLimits { folder.description.limits }

  // MARK: Calls

  /// Acquires a slot of the program, which is started if it does not run.
  ///
  /// - Returns: the program. Release the slot with `release`, or `abandon`.
  /// - Throws: `unavailable` if it cannot be started; timeout and cancellation as for any call.
  func acquire(for invocation: Invocation) async throws(CommandError) -> ChildPeer {
    let deadline = invocation.deadline
    guard await slots.acquire(until: deadline.current) else {
      throw invocation.stopped("Waiting for the plugin \(folder.id)", outcome: .notApplied)
    }
    // Before the program is taken: an idle program must not be ended in between.
    state.withLock { state in
      state.inFlight += 1
      state.activity += 1
    }
    do throws(CommandError) {
      return try await running(until: deadline.current) { () throws(CommandError) in
        throw invocation.stopped("Starting the plugin \(self.folder.id)", outcome: .notApplied)
      }
    } catch {
      release()
      throw error
    }
  }

  func release() {
    slots.release()
    let activity = state.withLock { state -> UInt64? in
      state.inFlight -= 1
      state.activity += 1
      return state.inFlight == 0 ? state.activity : nil
    }
    if let activity { endWhenIdle(since: activity) }
  }

  /// The program answers; earlier deaths do not count any more.
  func answered() {
    state.withLock { $0.deaths = 0 }
  }

  /// Keeps the slot of a call that was cancelled until the program responds, or for a while. Releases it
  /// at once if the program need not respond.
  func abandon(_ call: PluginCall, on peer: ChildPeer, id: Int64) {
    let responds = dialect.respondsAfterCancel
    if !responds {
      peer.forget(id)
      release()
    }
    Task.detached { [self] in
      let ended = await call.ended(until: Deadline(inMilliseconds: Self.abandonedMilliseconds))
      guard responds else { return peer.drop(id) }
      if !ended {
        peer.forget(id)
        peer.kill(because: "did not respond to a call within 10 s of its cancellation")
      }
      release()
    }
  }

  private func endWhenIdle(since activity: UInt64) {
    let milliseconds = Int(limits.idleSeconds) * 1_000
    Task.detached { [weak self] in
      await Task.pause(milliseconds: milliseconds)
      let peer = self?.state.withLock { state -> ChildPeer? in
        guard state.activity == activity else { return nil }
        return state.peer.take()
      }
      peer?.finish()
    }
  }

  /// Ends the program. Later calls fail.
  func close() {
    let peer = state.withLock { state -> ChildPeer? in
      state.isClosed = true
      return state.peer.take()
    }
    peer?.finish()
  }

  var hasEnded: Bool { running.withLock { $0 == 0 } }

  /// Blocks until no program runs any more.
  func waitUntilEnded(until deadline: Deadline) {
    _ = running.wait(until: deadline) { $0 == 0 ? true : nil }
  }

  // MARK: Starting

  /// Starts the program to learn what it says about itself.
  func learn(until deadline: Deadline) async -> Result<PluginCatalogue, PluginFault> {
    do throws(CommandError) {
      _ = try await running(until: deadline) { () throws(CommandError) in
        throw CommandError(.timeout, "it did not describe itself in time")
      }
    } catch {
      let fault = state.withLock { $0.failure } ?? PluginFault([error.message])
      // It may still start.
      close()
      return .failure(fault)
    }
    guard let catalogue = catalogue.withLock({ $0 }) else {
      return .failure(PluginFault(["it did not describe itself"]))
    }
    return .success(catalogue)
  }

  private enum Next {
    case running(ChildPeer)
    case wait(Latch)
    case start
    case pause(until: MonotonicTime)
    case refuse(CommandError)
  }

  /// The running program.
  ///
  /// - Parameter stopped: throws the error of a wait that the deadline or a cancellation ended.
  func running(
    until deadline: Deadline, stopped: () throws(CommandError) -> Never
  ) async throws(CommandError) -> ChildPeer {
    while true {
      switch next(by: deadline) {
      case .running(let peer): return peer
      case .refuse(let error): throw error
      case .wait(let latch):
        guard await latch.wait(until: deadline) else { try stopped() }
        if let failure = state.withLock({ $0.failure }) { throw unavailable(failure) }
      case .pause(let time):
        await Task.pause(milliseconds: time.milliseconds(since: .now))
        if Task.isCancelled { try stopped() }
      case .start:
        // In a separate task: it serves all that wait for it.
        Task.detached { [self] in await start() }
      }
    }
  }

  private func next(by deadline: Deadline) -> Next {
    state.withLock { state in
      if let peer = state.peer, !peer.takesRequests {
        // It ends, or has closed a pipe. Another one is started.
        state.peer = nil
        countDeath(&state)
      }
      return choice(by: deadline, &state)
    }
  }

  private func choice(by deadline: Deadline, _ state: inout State) -> Next {
    if state.isClosed {
      return .refuse(CommandError(.unavailable, "The host is stopping.", isRetryable: true))
    }
    if let peer = state.peer { return .running(peer) }
    if state.isStarting {
      let latch = Latch()
      state.waiting.append(latch)
      return .wait(latch)
    }
    let now = MonotonicTime.now
    state.restarts.removeAll { $0.adding(milliseconds: Self.minuteMilliseconds) < now }
    var earliest = state.nextStart ?? now
    if state.hasDied, state.restarts.count >= Int(limits.restartsPerMinute) {
      earliest = max(earliest, state.restarts[0].adding(milliseconds: Self.minuteMilliseconds))
    }
    guard earliest > now else {
      state.isStarting = true
      state.failure = nil
      if state.hasDied {
        state.restarts.append(now)
        restarts.add(folder.id)
      }
      state.hasDied = false
      return .start
    }
    let wait = earliest.milliseconds(since: now)
    guard earliest < deadline.time else {
      return .refuse(
        CommandError(
          .unavailable,
          "The plugin \(folder.id) has died and is started again in \((wait + 999) / 1_000) s.",
          isRetryable: true, retryAfterMilliseconds: wait,
          remedy: "The log has its last lines. sallyport plugin check finds faults."))
    }
    return .pause(until: earliest)
  }

  private func start() async {
    let result: Result<ChildPeer, PluginFault>
    do throws(PluginFault) {
      result = .success(try await started())
    } catch {
      // What is left out is logged once, by the set.
      if catalogue.withLock({ $0 != nil }) { log.error("plugin \(folder.id): \(error.text)") }
      result = .failure(error)
    }
    let (waiting, unused, idle) = state.withLock { state -> ([Latch], ChildPeer?, UInt64?) in
      state.isStarting = false
      var unused: ChildPeer?
      switch result {
      case .success(let peer):
        if state.isClosed {
          unused = peer
        } else if peer.takesRequests {
          state.peer = peer
          peer.accept()
        } else {
          unused = peer
          countDeath(&state)
          log.error("plugin \(folder.id): ended right after it had described itself")
        }
      case .failure(let fault):
        state.failure = fault
        // A secret that cannot be read is no fault of the program.
        if fault.cause == nil {
          countDeath(&state)
        } else if state.hasDied {
          state.restarts.removeLast()
        }
      }
      defer { state.waiting = [] }
      return (state.waiting, unused, state.inFlight == 0 ? state.activity : nil)
    }
    unused?.finish()
    // A program that was only started to be known may never be called.
    if let idle { endWhenIdle(since: idle) }
    for latch in waiting { latch.signal() }
  }

  private func countDeath(_ state: inout State) {
    state.deaths += 1
    state.hasDied = true
    let shift = min(state.deaths - 1, 8)
    let milliseconds = min(
      Self.longestBackOffMilliseconds, Self.firstBackOffMilliseconds << shift)
    state.nextStart = .now.adding(milliseconds: milliseconds)
  }

  private func started() async throws(PluginFault) -> ChildPeer {
    let deadline = Deadline(inMilliseconds: Int(limits.startSeconds) * 1_000)
    while true {
      let peer = ChildPeer(folder.id, log: log)
      let lines = try await spawned(by: deadline)
      log.debug("plugin \(folder.id): started as process \(lines.process)")
      running.withLock { $0 += 1 }
      guard peer.run(lines, for: self) else {
        running.withLock { $0 -= 1 }
        throw PluginFault(["the system has no thread for the plugin"])
      }
      do throws(PluginFault) {
        try accept(await dialect.catalogue(of: folder, from: peer, until: deadline), from: peer)
        return peer
      } catch {
        peer.kill(because: error.text)
        guard dialect.startsAgain(after: peer), !deadline.hasPassed else { throw error }
      }
    }
  }

  /// Compares what the program says about itself with its lock, or with what it said first.
  private func accept(
    _ described: PluginCatalogue, from peer: ChildPeer
  ) throws(PluginFault) {
    let locked = catalogue.withLock { catalogue in
      defer { catalogue = catalogue ?? described }
      return catalogue
    }
    try dialect.accept(described, lockedAs: locked ?? described, of: folder, from: peer)
  }

  private func spawned(by deadline: Deadline) async throws(PluginFault) -> ChildLines {
    let (folder, maximumLineBytes) = (folder, maximumLineBytes)
    var start = ChildStart(
      folder.description.command,
      environment: PluginEnvironment.variables(try await variables(deadline)))
    start.directory = folder.path
    start.maximumMemoryBytes = Int(limits.memoryMiB) * 1_024 * 1_024
    let program = folder.description.command[0]
    let result: Result<ChildLines, PluginFault>
    do throws(BlockingWork.Interruption) {
      result = try await BlockingWork.plugins.run(until: deadline) { [start] in
        Result { () throws(PluginFault) in
          try folder.check()
          do throws(ChildStart.Refusal) {
            return try ChildLines(start, maximumLineBytes: maximumLineBytes)
          } catch {
            let isInFolder =
              !program.contains("/") && access("\(folder.path)/\(program)", F_OK) == 0
            let hint = isInFolder ? "; did you mean ./\(program)?" : ""
            throw PluginFault(["\(program) cannot be started: \(error.reason)\(hint)"])
          }
        }
      }
    } catch {
      throw PluginFault(["the program \(program) was not started in time"])
    }
    return try result.get()
  }

  private func unavailable(_ fault: PluginFault) -> CommandError {
    fault.cause
      ?? CommandError(
        .unavailable, "The plugin \(folder.id) cannot be used: \(fault.text).", isRetryable: true,
        remedy: "sallyport plugin check \(folder.path) shows what is wrong.")
  }

  // MARK: What the program sends

  func request(_ request: ChildRequest, from peer: ChildPeer) {
    guard requests.tryAcquire() else {
      return Broker.refuse(request, tooMany: Self.maximumRequests)
    }
    dialect.answer(
      ChildRequest(request) { [requests] in requests.release() }, from: peer, log: log)
  }

  func notification(_ method: String, _ params: JSON?, from peer: ChildPeer) {
    dialect.take(method, params, from: peer)
  }

  func ended(_ peer: ChildPeer, _ reason: String) {
    running.withLock { $0 -= 1 }
    running.notify()
    dialect.ended(peer)
    state.withLock { state in
      guard state.peer === peer else { return }
      state.peer = nil
      countDeath(&state)
    }
    if peer.isNeeded { log.error("plugin \(folder.id): \(reason)") }
  }
}

/// What the plugins of a host share.
package struct PluginContext: Sendable {
  let log: Log
  let maximumResultBytes: Int
  let restarts = RestartCounts()
  /// Bytes of one line of a program at most: a result, and what surrounds it.
  var maximumLineBytes: Int { maximumResultBytes + 65_536 }

  /// For the author of a plugin; nil otherwise.
  let trace: PluginTrace?

  package init(log: Log, maximumResultBytes: Int, trace: PluginTrace? = nil) {
    self.log = log
    self.maximumResultBytes = maximumResultBytes
    self.trace = trace
  }
}

/// The environment of the programs of plugins.
enum PluginEnvironment {
  /// The variables of the host that every program gets.
  private static let passedOn = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"]

  static func variables(_ own: [String: String]) -> [String: String] {
    var all: [String: String] = [:]
    let inherited = ChildProcess.environment()
    for name in passedOn { all[name] = inherited[name] }
    return all.merging(own) { _, own in own }
  }
}
