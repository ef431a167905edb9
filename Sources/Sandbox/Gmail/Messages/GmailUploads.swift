import Basics

/// Resumable uploads in progress.
struct GmailUploads {
  struct Session {
    var userID: String
    var threadID: String?
    var received: [UInt8] = []
    /// The announced size; nil if unknown.
    var total: Int?
  }

  static let capacity = 64
  /// The size of every chunk except the last must be a multiple of this.
  static let pieceBytes = 256 * 1_024

  private var sessions: [(id: String, session: Session)] = []

  mutating func open(_ session: Session) -> String {
    if sessions.count >= Self.capacity { sessions.removeFirst() }
    let id =
      "sandbox-" + Base64.encode((0..<48).map { _ in .random(in: 0...255) }, alphabet: .urlSafe)
    sessions.append((id, session))
    return id
  }

  func session(_ id: String) -> Session? { sessions.first { $0.id == id }?.session }

  mutating func update(_ id: String, _ session: Session) {
    guard let at = sessions.firstIndex(where: { $0.id == id }) else { return }
    sessions[at].session = session
  }

  mutating func close(_ id: String) { sessions.removeAll { $0.id == id } }
}
