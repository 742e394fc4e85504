"""The words of the world's labels: what captions say and, beyond that, what the parser understands.

Tables that start with SAID are phrases for captions, and understood as well; those that start with HEARD are only
understood; NEAR holds words for what the world lacks, each with the label that comes nearest. Subjects bring their
own words (`subjects.toml`).
"""

SAID_ACTIONS = {
    "stand": ("stand", "stand still", "wait", "rest"),
    "walk": ("walk", "stroll", "wander"),
    "run": ("run", "sprint", "dash"),
    "jump": ("jump", "hop", "leap", "jump up and down"),
    "spin": ("spin", "spin around", "twirl", "whirl"),
    "dance": ("dance", "dance happily"),
    "grow": ("grow", "grow bigger", "get bigger", "grow larger"),
    "fly": ("fly", "soar"),
    "swim": ("swim", "swim along"),
    "drive": ("drive", "drive along"),
    "fall": ("fall", "fall down", "drop down"),
    "roll": ("roll", "roll along"),
}

HEARD_ACTIONS: dict[str, tuple[str, ...]] = {
    **{verb: ("stand",) for verb in (
        "sit", "wait", "look", "watch", "stare", "gaze", "pose", "sleep", "nap", "lie", "lie down", "stop", "stay", "smile",
        "lounge", "relax", "sit down", "park", "pause", "eat", "drink", "listen", "think", "read",
    )},
    **{verb: ("walk",) for verb in (
        "trot", "march", "stride", "pace", "amble", "roam", "saunter", "hike", "tiptoe", "creep", "crawl", "sneak", "step",
        "waddle", "prowl", "plod", "limp", "strut", "promenade", "stalk", "explore", "patrol", "parade", "go for a walk",
        "take a walk", "take a stroll", "graze",
    )},
    **{verb: ("run",) for verb in ("gallop", "jog", "bolt", "hurry", "scamper", "scurry", "chase", "flee", "rush", "charge")},
    **{verb: ("jump",) for verb in ("bound", "skip", "pounce", "vault", "jump for joy", "do a somersault")},
    "bounce": ("jump", "roll"),
    **{verb: ("spin",) for verb in (
        "rotate", "pirouette", "revolve", "swirl", "turn", "turn around", "turn in circles", "twist", "whirl around",
        "twirl around", "circle", "chase its tail",
    )},
    **{verb: ("dance",) for verb in (
        "boogie", "groove", "sway", "waltz", "party", "sing", "perform", "celebrate", "wiggle", "do a dance", "play",
    )},
    **{verb: ("grow",) for verb in (
        "swell", "expand", "inflate", "enlarge", "bloom", "blossom", "sprout", "become bigger", "become huge",
        "get larger", "become larger", "grow taller", "grow up",
    )},
    **{verb: ("fly",) for verb in ("hover", "flutter", "flap", "launch", "blast off", "take off", "lift off", "orbit", "levitate")},
    "float": ("fly", "swim"),
    "drift": ("fly", "swim", "drive"),
    "glide": ("fly", "swim"),
    "rise": ("fly", "grow"),
    **{verb: ("swim",) for verb in ("snorkel", "surf", "splash", "wade", "paddle")},
    "dive": ("swim", "fall"),
    "sail": ("swim", "drive", "fly"),
    **{verb: ("drive", "walk") for verb in ("ride", "cycle", "motor", "commute", "skate", "ski")},
    "cruise": ("drive", "fly", "swim"),
    "zip": ("drive", "fly", "run"),
    "race": ("run", "drive"),
    "speed": ("drive", "fly", "run"),
    **{verb: ("fall",) for verb in ("drop", "plummet", "plunge", "descend", "collapse", "land", "sink", "crash", "fall over")},
    "tumble": ("fall", "roll"),
    "slide": ("roll", "drive", "walk"),
    **{verb: ("walk", "drive", "fly", "swim", "run", "roll") for verb in (
        "go", "move", "travel", "head", "come", "pass", "arrive", "journey", "cross", "advance", "approach", "leave",
    )},
}  # fmt: skip
"""Verb -> the actions that it may mean, most usual first; the first that the subject can do is taken."""

IRREGULAR = {
    "run": ("runs", "running", "ran"), "swim": ("swims", "swimming", "swam"), "fly": ("flies", "flying", "flew"),
    "fall": ("falls", "falling", "fell"), "spin": ("spins", "spinning", "spun"), "sit": ("sits", "sitting", "sat"),
    "stand": ("stands", "standing", "stood"), "grow": ("grows", "growing", "grew"), "get": ("gets", "getting", "got"),
    "drive": ("drives", "driving", "drove"), "leap": ("leaps", "leaping", "leapt"), "rise": ("rises", "rising", "rose"),
    "ride": ("rides", "riding", "rode"), "lie": ("lies", "lying", "lay"), "sleep": ("sleeps", "sleeping", "slept"),
    "go": ("goes", "going", "went"), "take": ("takes", "taking", "took"), "do": ("does", "doing", "did"),
    "come": ("comes", "coming", "came"), "leave": ("leaves", "leaving", "left"), "sing": ("sings", "singing", "sang"),
    "become": ("becomes", "becoming", "became"), "flee": ("flees", "fleeing", "fled"), "eat": ("eats", "eating", "ate"),
    "swell": ("swells", "swelling", "swelled"), "speed": ("speeds", "speeding", "sped"), "see": ("sees", "seeing", "saw"),
    "creep": ("creeps", "creeping", "crept"), "stride": ("strides", "striding", "strode"), "listen": ("listens", "listening", "listened"),
    "sink": ("sinks", "sinking", "sank"), "swell up": ("swells up", "swelling up", "swelled up"), "hover": ("hovers", "hovering", "hovered"),
    "party": ("parties", "partying", "partied"), "wander": ("wanders", "wandering", "wandered"), "drink": ("drinks", "drinking", "drank"),
    "think": ("thinks", "thinking", "thought"), "read": ("reads", "reading", "read"), "saunter": ("saunters", "sauntering", "sauntered"),
    "scamper": ("scampers", "scampering", "scampered"), "flutter": ("flutters", "fluttering", "fluttered"), "gallop": ("gallops", "galloping", "galloped"),
    "snorkel": ("snorkels", "snorkeling", "snorkeled"), "travel": ("travels", "travelling", "travelled"), "explore": ("explores", "exploring", "explored"),
    "blossom": ("blossoms", "blossoming", "blossomed"), "motor": ("motors", "motoring", "motored"), "orbit": ("orbits", "orbiting", "orbited"),
}  # fmt: skip


def inflect(phrase: str) -> tuple[str, str, str, str]:
    """Return a verb phrase's base, third person, gerund and past: "hop" -> hop, hops, hopping, hopped."""
    base, _, rest = phrase.partition(" ")
    forms = (base, *IRREGULAR.get(base, ()))
    if len(forms) == 1:
        forms = (base, _third(base), _stem(base) + "ing", _stem(base, past=True) + "ed")
    a, b, c, d = (f"{form} {rest}".strip() for form in forms)
    return a, b, c, d


def _third(base: str) -> str:
    if base.endswith(("s", "x", "sh", "ch", "z")):
        return base + "es"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ies"
    return base + "s"


def _stem(base: str, past: bool = False) -> str:
    if base.endswith("e"):
        return base[:-1]
    if past and base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "i"
    doubled = len(base) > 2 and base[-1] not in "aeiouwxy" and base[-2] in "aeiou" and base[-3] not in "aeiou"
    return base + base[-1] if doubled else base


SAID_PLACES = {
    "garden": ("in a garden", "in the garden", "in a flower garden", "in a backyard"),
    "meadow": ("in a meadow", "on a meadow", "in a green field", "in a grassy field"),
    "forest": ("in a forest", "in the forest", "in the woods", "among the trees"),
    "beach": ("on a beach", "on the beach", "on the shore", "by the sea"),
    "underwater": ("underwater", "under the sea", "under water", "in the ocean"),
    "desert": ("in a desert", "in the desert", "among sand dunes"),
    "snow": ("in the snow", "on a snowy plain", "on a snow field"),
    "city": ("in a city", "in the city", "in a city street", "in town"),
    "space": ("in space", "in outer space", "among the stars"),
    "room": ("in a room", "in a living room", "inside a house", "indoors"),
    "stage": ("on a stage", "on stage", "in a theatre"),
    "farm": ("on a farm", "on the farm", "in a farmyard"),
}

SAID_ROUTES = {
    "garden": ("through a garden", "through the garden", "across a flower garden"),
    "meadow": ("through a meadow", "across a meadow", "across a green field"),
    "forest": ("through a forest", "through the woods"),
    "beach": ("along a beach", "along the beach", "along the shore"),
    "underwater": ("under water", "through the ocean", "through the sea"),
    "desert": ("through a desert", "across the desert", "over sand dunes"),
    "snow": ("through the snow", "across a snowy plain", "across a snow field"),
    "city": ("through a city", "through the city", "down a city street"),
    "space": ("through space", "through outer space"),
    "room": ("through a room", "across a living room"),
    "stage": ("across a stage", "over the stage"),
    "farm": ("across a farm", "through a farmyard"),
}
"""How captions say a set for actions that go somewhere (`MOVING`)."""

MOVING = ("walk", "run", "fly", "swim", "drive", "roll")

HEARD_SETS = {
    "garden": ("garden", "gardens", "flower garden", "backyard", "back yard", "yard", "park", "orchard", "flowerbed", "lawn",
               "greenhouse", "vegetable patch"),
    "meadow": ("meadow", "meadows", "field", "fields", "green field", "grassy field", "pasture", "grassland", "prairie",
               "savanna", "savannah", "hill", "hills", "rolling hills", "hillside", "grass", "steppe", "valley"),
    "forest": ("forest", "forests", "wood", "woods", "woodland", "woodlands", "jungle", "rainforest", "among the trees",
               "between the trees", "through the trees", "under the trees"),
    "beach": ("beach", "beaches", "shore", "seashore", "seaside", "coast", "coastline", "by the sea", "at the sea", "by the ocean",
              "near the sea", "sandy beach", "sand", "tropical island", "island", "bay"),
    "underwater": ("underwater", "under water", "under the sea", "under the water", "under the ocean", "undersea", "sea", "ocean",
                   "beneath the waves", "deep sea", "seabed", "sea floor", "ocean floor", "coral reef", "reef", "aquarium",
                   "swimming pool", "fish tank", "bottom of the sea", "bottom of the ocean"),
    "desert": ("desert", "deserts", "dunes", "dune", "sand dunes", "sand dune", "sahara", "canyon", "wasteland"),
    "snow": ("snow field", "snowfield", "snowy field", "snowy plain", "snowy landscape", "snowy plains", "arctic", "antarctic",
             "antarctica", "north pole", "south pole", "tundra", "ice", "glacier", "snowy mountain", "snowy mountains", "ski slope"),
    "city": ("city", "cities", "town", "downtown", "city street", "street", "streets", "city streets", "road", "highway", "avenue",
             "village", "alley", "sidewalk", "pavement", "metropolis", "urban", "square", "tokyo", "new york", "london", "paris"),
    "space": ("space", "outer space", "among the stars", "through the stars", "galaxy", "cosmos", "universe", "on the moon",
              "on mars", "to the moon", "in orbit", "milky way", "nebula"),
    "room": ("room", "living room", "bedroom", "kitchen", "indoors", "indoor", "inside a house", "in a house", "in the house",
             "at home", "house", "home", "apartment", "office", "classroom", "hallway", "lounge", "library", "bathroom"),
    "stage": ("stage", "on stage", "theatre", "theater", "concert", "concert hall", "spotlight", "circus", "disco", "nightclub",
              "dance floor", "opera"),
    "farm": ("farm", "farms", "farmyard", "barnyard", "barn", "ranch", "farmland", "countryside", "cornfield", "wheat field",
             "stable"),
}  # fmt: skip

SAID_SEASONS = {
    "spring": ("in spring", "in the spring", "in springtime"),
    "summer": ("in summer", "in the summer", "in summertime"),
    "autumn": ("in autumn", "in the autumn", "in fall", "in the fall"),
    "winter": ("in winter", "in the winter", "in wintertime"),
}

HEARD_SEASONS = {
    "spring": ("spring", "springtime", "cherry blossoms", "spring flowers", "april", "may day"),
    "summer": ("summer", "summertime", "summery", "midsummer", "july"),
    "autumn": ("autumn", "autumnal", "fall colours", "fall colors", "fall foliage", "fall leaves", "autumn leaves", "october"),
    "winter": ("winter", "wintertime", "wintry", "midwinter", "christmas", "december"),
}

SAID_TIMES = {
    "day": ("by day", "in daylight", "in the daytime", "during the day"),
    "sunset": ("at sunset", "at dusk", "at golden hour", "as the sun sets"),
    "night": ("at night", "by night", "in the moonlight", "after dark"),
}

HEARD_TIMES = {
    "day": ("day", "daylight", "daytime", "noon", "midday", "morning", "afternoon", "broad daylight"),
    "sunset": ("sunset", "dusk", "twilight", "golden hour", "evening", "sun sets", "sundown", "sun goes down", "setting sun",
               "evening light"),
    "night": ("night", "nighttime", "midnight", "moonlight", "moonlit", "after dark", "starry", "starry night", "night sky",
              "under the stars", "starlight", "in the dark", "dark night", "nocturnal"),
}  # fmt: skip

SAID_WEATHERS = {
    "clear": ("in clear weather", "under a clear sky", "in fine weather"),
    "rain": ("in the rain", "while it rains", "as rain falls", "in rainy weather"),
    "snow": ("while it snows", "as snow falls", "in falling snow", "in snowy weather"),
}

HEARD_WEATHERS = {
    "clear": ("clear", "clear weather", "clear sky", "clear skies", "fine weather", "sunny", "sunshine", "blue sky", "cloudless",
              "nice weather", "good weather", "sunlight", "sunlit", "dry weather"),
    "rain": ("rain", "rains", "rainy", "raining", "rainfall", "drizzle", "shower", "downpour", "rain falls", "rain falling",
             "falling rain", "pouring rain", "raindrops", "drizzling", "rain shower", "rain is falling", "rainy weather",
             "wet weather"),
    "snow": ("snows", "snowing", "snowy", "snowfall", "snow falls", "snow falling", "falling snow", "snowflakes", "snowstorm",
             "blizzard", "snow is falling", "snowy weather", "snow flurries", "snow fall"),
}  # fmt: skip

SAID_STYLES = {
    "clay": ("in clay style", "made of clay", "clay animation", "as a claymation"),
    "watercolour": ("in watercolour style", "as a watercolour painting", "painted in watercolor", "watercolor"),
    "pencil": ("in pencil style", "as a pencil drawing", "drawn in pencil", "pencil sketch"),
    "noir": ("in noir style", "as a film noir", "in black and white", "black-and-white film noir"),
}

HEARD_STYLES = {
    "clay": ("clay", "claymation", "plasticine", "clay animation", "toy like", "3d", "stop motion", "clay style", "playdough"),
    "watercolour": ("watercolour", "watercolor", "watercolours", "watercolors", "aquarelle", "watercolour painting",
                    "watercolor painting", "water colour", "water color"),
    "pencil": ("pencil", "pencils", "sketch", "sketched", "drawing", "hand drawn", "drawn", "pencil drawing", "pencil sketch",
               "line art", "doodle"),
    "noir": ("noir", "film noir", "black and white", "monochrome", "greyscale", "grayscale", "black and white film noir"),
}  # fmt: skip

NEAR: dict[str, dict[str, tuple[str, ...]]] = {
    "time": {"sunset": ("dawn", "sunrise", "daybreak", "sun rises")},
    "weather": {
        "clear": ("cloudy", "clouds", "windy", "wind", "fog", "foggy", "mist", "misty", "overcast", "haze", "hazy", "rainbow"),
        "rain": ("storm", "stormy", "thunderstorm", "thunder", "lightning", "hail", "hurricane"),
    },
    "style": {
        "watercolour": ("oil painting", "oil paint", "painting", "painterly", "anime", "impressionist", "impressionism", "van gogh",
                        "ghibli", "gouache", "pastel"),
        "pencil": ("ink", "ink drawing", "charcoal", "comic", "comic book", "manga", "crayon", "chalk", "engraving"),
        "clay": ("cartoon", "pixel art", "pixar", "photorealistic", "realistic", "hyperrealistic", "photo realistic", "lego",
                 "paper cut out", "papercraft", "neon", "cyberpunk", "low poly", "origami", "flat design", "knitted", "felt"),
        "noir": ("vintage", "sepia", "silent film", "old film", "retro"),
    },
    "set": {
        "beach": ("lake", "river", "pond", "harbour", "harbor", "pier", "waterfall", "lagoon"),
        "snow": ("mountain", "mountains", "mountain top", "summit", "alps", "himalaya"),
        "city": ("bridge", "castle", "airport", "station", "racetrack", "race track", "parking lot", "market", "playground",
                 "stadium", "temple"),
        "room": ("cave", "shop", "museum", "school", "restaurant", "cafe", "gym", "dungeon"),
        "meadow": ("sky", "clouds above", "air", "football pitch", "golf course"),
    },
}  # fmt: skip

FILLERS = frozenset(
    # Articles, pronouns, prepositions and the like.
    "a an the this that these those some any my your his her its our their it he she they i we you me him them us who which what "
    "there here is are was were be been being am has have had do does did will would can could should may might must to of for "
    "in on at by with without from into onto over under above below across through along around past near next beside behind "
    "between among amid inside outside out up down off against toward towards during while as and or but then so if when where "
    "not no very too also just only quite really all both each more most less much many how why again away back along together "
    "about against until till before after than like such own same other another within upon beneath "
    # What people write around what they mean.
    "video videos clip clips movie film footage scene scenes picture image animation animated shot shots showing shows show "
    "featuring features feature depicting depicts make create generate render draw please want see seen video of something "
    "style styled look looking like based themed inspired made painted weather season time sky light lighting background setting "
    "beautiful lovely nice pretty cute cutest adorable little small tiny big large huge sweet happy happily cheerful cheerfully "
    "funny playful playfully joyful joyfully friendly young old lonely single one slowly quickly slow fast gently gracefully calm "
    "calmly peaceful peacefully quietly quiet merrily freely excitedly still standing still high low deep bright brightly warm cold "
    "cozy cosy magical magic dreamy epic cinematic dramatic amazing awesome stunning gorgeous vivid colorful colourful detailed "
    "highly hd 4k 8k uhd quality best high ultra masterpiece fresh soft softly smooth smoothly majestic majestically busy empty "
    "quick curious curiously brave proud proudly sleepy lively elegant elegantly fluffy furry shiny glossy toy fps hour full view "
    "s t re ve ll d m".split()
)
"""Words that may stand anywhere and choose no label."""

NUMBERS = frozenset("two three four five six seven eight nine ten several many dozens couple pair group herd flock "
                    "2 3 4 5 6 7 8 9 10".split())  # fmt: skip
ARTICLES = frozenset("a an the this that my your his her our their one some".split())
PLACE_PREPOSITIONS = frozenset(
    "in on at inside into onto through across along over around near by beside under past down above within amid among between "
    "outside behind beneath".split()
)


def article(noun: str) -> str:
    """Return a noun with its article: "a cat", "an owl", "a unicorn"."""
    sounds_like_you = noun.startswith(("uni", "ufo", "use", "eu", "one"))
    return f"{'an' if noun[0] in 'aeiou' and not sounds_like_you else 'a'} {noun}"
