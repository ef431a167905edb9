import Synchronization

/// Who reads the stream. An agent is not told what it did not ask for: the Model Context Protocol has
/// no words for it.
final class Audience: Sendable {
  private let agent = Atomic(false)

  var isAgent: Bool { agent.load(ordering: .relaxed) }

  func becomeAgent() { agent.store(true, ordering: .relaxed) }
}
