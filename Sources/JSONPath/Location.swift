import Basics
import JSON

/// The path from the root to a node. Siblings share the part up to their parent. A chain is
/// released recursively; the depth limit of the parser bounds the recursion.
final class Location: Sendable {
  enum Step: Sendable {
    case name(JSON)
    case index(Int)
  }

  let parent: Location?
  let step: Step

  init(parent: Location?, step: Step) {
    self.parent = parent
    self.step = step
  }
}
