import Basics
import Engine
import RPC
import Synchronization

/// The pending questions to users.
final class Questions: Sendable {
  /// Maximum number of pending questions on the connection.
  static let maximumOpen = 256
  /// Maximum number of remembered questions to stateless clients. Older ones are repeated.
  private static let maximumTokens = 1_000

  enum Answer: Sendable {
    case accepted
    case declined
    /// The input ended before the answer.
    case inputEnded
    /// The call was cancelled.
    case cancelled
    case tooMany
  }

  /// A question without an answer yet.
  private final class Pending: Sendable {
    private let answer = Mutex<Answer?>(nil)
    private let latch = Latch()

    func resolve(_ answer: Answer) {
      self.answer.withLock { $0 = $0 ?? answer }
      latch.signal()
    }

    func value() async -> Answer {
      _ = await latch.wait()
      return answer.withLock { $0 } ?? .cancelled
    }
  }

  private struct State {
    var pending: [String: Pending] = [:]
    var count = 0
    /// The tokens of questions and the fingerprints of their invocations.
    var tokens: [(text: String, fingerprint: [UInt8])] = []
    var hasEnded = false
  }

  private let state = Mutex(State())

  // MARK: Clients with a session

  /// Asks and waits for the answer without a slot of the in-flight limit.
  ///
  /// - Parameters:
  ///   - send: sends the question with the given id.
  ///   - withdraw: notifies the client that the answer is no longer needed.
  func ask(
    for request: InFlightRequest, send: (String) -> Void,
    withdraw: @escaping @Sendable (String) -> Void
  ) async -> Answer {
    let pending = Pending()
    // Registered and sent under one lock, so that the answer and the withdrawal come later.
    let opening = state.withLock { state -> Result<String, Refusal> in
      if request.cancelReason != nil { return .failure(Refusal(answer: .cancelled)) }
      if state.hasEnded { return .failure(Refusal(answer: .inputEnded)) }
      guard state.pending.count < Self.maximumOpen else {
        return .failure(Refusal(answer: .tooMany))
      }
      state.count += 1
      let question = "sallyport-question-\(state.count)"
      state.pending[question] = pending
      send(question)
      return .success(question)
    }
    switch opening {
    case .failure(let refusal): return refusal.answer
    case .success(let question):
      request.onCancel { [self] in
        if answer(question, .cancelled) { withdraw(question) }
      }
      request.releaseSlot()
      return await pending.value()
    }
  }

  private struct Refusal: Error { let answer: Answer }

  /// Resolves a question.
  ///
  /// - Returns: false if it is not pending.
  func answer(_ question: String, _ answer: Answer) -> Bool {
    let pending = state.withLock { $0.pending.removeValue(forKey: question) }
    pending?.resolve(answer)
    return pending != nil
  }

  /// Resolves all questions: the input has ended.
  func end() {
    let pending = state.withLock { state in
      state.hasEnded = true
      defer { state.pending = [:] }
      return Array(state.pending.values)
    }
    for question in pending { question.resolve(.inputEnded) }
  }

  // MARK: Stateless clients

  /// A token for the question about an invocation.
  func token(for invocation: PreparedInvocation) -> String {
    let token = UniqueID.make()
    let fingerprint = invocation.fingerprint
    state.withLock { state in
      if state.tokens.count >= Self.maximumTokens { state.tokens.removeFirst() }
      state.tokens.append((token, fingerprint))
    }
    return token
  }

  /// Consumes a token.
  ///
  /// - Returns: whether it belongs to a question about the same invocation.
  func take(_ token: String, for invocation: PreparedInvocation) -> Bool {
    let fingerprint = invocation.fingerprint
    return state.withLock { state in
      guard let position = state.tokens.firstIndex(where: { $0.text == token }),
        state.tokens[position].fingerprint == fingerprint
      else { return false }
      state.tokens.remove(at: position)
      return true
    }
  }
}
