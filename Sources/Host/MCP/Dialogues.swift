import Basics
import IntegrationKit
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

  enum Opening { case asked, full, ended, cancelled }

  private struct State {
    /// By the id of the question.
    var asked: [String: Asked] = [:]
    var count = 0
    /// The token of a question, and the call that it is about.
    var tokens: [(text: String, fingerprint: [UInt8])] = []
    var hasEnded = false
  }

  private let state = Mutex(State())

  // MARK: Of clients with a session

  /// Registers a question and sends it, so that neither its answer nor its withdrawal comes first.
  ///
  /// - Parameter send: sends the question of that id.
  func open(_ asked: Asked, send: (String) -> Void) -> Opening {
    state.withLock { state in
      if asked.request.cancelReason != nil { return .cancelled }
      if state.hasEnded { return .ended }
      guard state.asked.count < Self.maximumOpen else { return .full }
      state.count += 1
      let question = "sallyport-question-\(state.count)"
      state.asked[question] = asked
      send(question)
      return .asked
    }
  }

  /// The call that a response answers; nil when nobody waits for it.
  func close(_ question: String) -> Asked? {
    state.withLock { $0.asked.removeValue(forKey: question) }
  }

  /// The calls that were cancelled, by their questions, which nobody needs to answer any more.
  func closeCancelled() -> [String: Asked] {
    state.withLock { state in
      let cancelled = state.asked.filter { $0.value.request.cancelReason != nil }
      for question in cancelled.keys { state.asked[question] = nil }
      return cancelled
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
    let fingerprint = request.fingerprint
    state.withLock { state in
      if state.tokens.count >= Self.maximumTokens { state.tokens.removeFirst() }
      state.tokens.append((token, fingerprint))
    }
    return token
  }

  /// Whether the token belongs to a question about this very call; it does so once.
  func take(_ token: String, for request: InvokeRequest) -> Bool {
    let fingerprint = request.fingerprint
    return state.withLock { state in
      guard let position = state.tokens.firstIndex(where: { $0.text == token }),
        state.tokens[position].fingerprint == fingerprint
      else { return false }
      state.tokens.remove(at: position)
      return true
    }
  }
}
