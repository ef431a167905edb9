import Regexp
import Testing
