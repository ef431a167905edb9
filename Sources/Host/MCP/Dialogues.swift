import Basics
import Plugin
import RPC
import Synchronization

/// The questions to users that are open.
final class Dialogues: Sendable {
  /// Questions that wait for an answer on the stream, at most.
  static let maximumOpen = 256
  /// Questions to stateless clients that are remembered; older ones are asked again.
  private static let maximumTokens = 1_000

  /// A tool call whose user has been asked.
  struct Asked: Sendable {
    let run: MCPFront.ToolRun
    let id: RequestID
    let request: ActiveRequests.Request
  }

  enum Opening {
    case question(String)
    case full, ended
  }

  private struct State {
    /// By the id of the question.
    var asked: [String: Asked] = [:]
    var count = 0
    /// The token of a question, and the call that it is about.
    var tokens: [(text: String, identity: IdempotencyLedger.Identity)] = []
    var hasEnded = false
  }

  private let state = Mutex(State())

  // MARK: Of clients with a session

  /// Registers a question before it is sent.
  func open(_ asked: Asked) -> Opening {
    state.withLock { state in
      if state.hasEnded { return .ended }
      guard state.asked.count < Self.maximumOpen else { return .full }
      state.count += 1
      let question = "sallyport-question-\(state.count)"
      state.asked[question] = asked
      return .question(question)
    }
  }

  /// The call that a response answers; nil when nobody waits for it.
  func close(_ question: String) -> Asked? {
    state.withLock { $0.asked.removeValue(forKey: question) }
  }

  /// The call with that id, which is no longer asked about.
  func close(of id: RequestID) -> Asked? {
    state.withLock { state in
      guard let found = state.asked.first(where: { $0.value.id == id }) else { return nil }
      return state.asked.removeValue(forKey: found.key)
    }
  }

  /// Nothing will be answered any more.
  ///
  /// - Returns: what was open.
  func end() -> [Asked] {
    state.withLock { state in
      state.hasEnded = true
      defer { state.asked = [:] }
      return Array(state.asked.values)
    }
  }

  // MARK: Of stateless clients

  /// A token for the question about a call.
  func token(for request: InvokeRequest) -> String {
    let token = UniqueID.make()
    let identity = request.identity
    state.withLock { state in
      if state.tokens.count >= Self.maximumTokens { state.tokens.removeFirst() }
      state.tokens.append((token, identity))
    }
    return token
  }

  /// Whether the token belongs to a question about this very call; it does so once.
  func take(_ token: String, for request: InvokeRequest) -> Bool {
    let identity = request.identity
    return state.withLock { state in
      guard let position = state.tokens.firstIndex(where: { $0.text == token }),
        state.tokens[position].identity == identity
      else { return false }
      state.tokens.remove(at: position)
      return true
    }
  }
}
