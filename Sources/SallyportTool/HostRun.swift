import Basics
import Engine
import Glibc
import JSONRPCFront
import MCPFront
import RPC

/// Runs a host: both fronts on one connection, from the first line to the exit status.
struct HostRun {
  private let engine: Engine
  private let agents: MCPOptions
  private let connection: RPC.Connection

  /// Installs the handler of signals. Must be called on the main thread.
  ///
  /// - Parameters:
  ///   - output: the descriptor that frames are written to; see `StandardOutput`.
  ///   - hangUp: what SIGHUP does.
  init(
    engine: Engine, limits: ConnectionLimits, agents: MCPOptions, output: Int32,
    observer: (any ConnectionObserver)? = nil, hangUp: Signals.HangUp = .ends
  ) throws(UsageError) {
    self.engine = engine
    self.agents = agents
    do throws(FileError) {
      connection = try RPC.Connection(
        to: output, limits: limits, redactor: engine.redactor, log: engine.log, observer: observer)
    } catch {
      throw UsageError("the host cannot start: \(error)")
    }
    engine.metrics.addSources { [connection] in
      $0.lines = { connection.lines }
      $0.inFlight = { connection.inFlight }
    }
    Signals.watch(hangUp: hangUp) { [connection] in connection.interrupt() }
  }

  /// Reads the inputs in order until EOF, then drains. Blocks.
  func run(_ inputs: [Int32]) throws(FileError) -> ExitCode {
    let agentFront = MCPFront(engine, agents, on: connection)
    let hasAgent = agentFront.clientPresence
    let front = JSONRPCFront(
      engine, on: connection,
      hearsNotifications: { [engine] in
        !engine.options.fences.allowsOnlyAgents && !hasAgent()
      },
      connectionsChanged: agentFront.connectionsChanged,
      connectionsReloaded: agentFront.connectionsChanged)
    defer {
      agentFront.finish()
      engine.writePendingRecords()
      engine.log.flush()
    }
    switch try connection.run(inputs, handlers: [front, agentFront]) {
    case .drained: return .success
    case .unfinished: return .unfinished
    case .outputClosed: return .outputClosed
    }
  }
}
