import Basics
import Synchronization

/// What happens during calls of plugins, for the author of one.
package final class PluginTrace: Sendable {
  package enum Event: Sendable {
    /// The program runs; it was started for the call, or before.
    case ready(process: Int)
    case call(String)
    case request(String)
    case response(status: Int, bytes: Int, milliseconds: Int)
    case refused(String)
    case items(Int)
    case end(String)
  }

  private let start = MonotonicTime.now
  private let receive: @Sendable (_ milliseconds: Int, Event) -> Void

  /// - Parameter receive: gets each event with the time since the trace was made.
  package init(_ receive: @escaping @Sendable (_ milliseconds: Int, Event) -> Void) {
    self.receive = receive
  }

  func note(_ event: Event) { receive(MonotonicTime.now.milliseconds(since: start), event) }
}
